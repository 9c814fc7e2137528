package huaweifake

import (
	"net/http"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) disks() {
	s := &service{f, nested, "EVS.5400", "EVS.5404", "EVS.5400", "EVS.5403", "EVS.5400", http.StatusBadRequest, http.StatusBadRequest, http.StatusBadRequest,
		tokenRules{"EVS.2218", "EVS.2219", "EVS.2220", 8 * time.Hour}}
	s.route("POST /v2.1/{project}/cloudvolumes", createVolume)
	s.route("GET /v2/{project}/cloudvolumes/detail", listVolumes)
	s.route("GET /v2/{project}/cloudvolumes/{id}", showVolume)
	s.route("POST /v2.1/{project}/cloudvolumes/{id}/action", extendVolume)
	s.route("DELETE /v2/{project}/cloudvolumes/{id}", deleteVolume)
	s.route("GET /v2/{project}/types", listTypes)
	s.route("GET /v2/{project}/os-quota-sets/{tenant}", volumeQuota)
}

// types are EVS's names of the simulated cloud's volume types.
func types() map[string]string { return map[string]string{"SSD": "ssd", "SAS": "standard"} }

func typeName(sim string) string {
	for name, s := range types() {
		if s == sim {
			return name
		}
	}
	return sim
}

func (c *call) volumeType(name string) (string, error) {
	kind, ok := types()[name]
	if !ok {
		return "", c.invalid("the volume type %q does not exist", name)
	}
	return kind, nil
}

// terms are how EVS, ECS and DCS take the term of a subscription: booleans as text.
type terms struct {
	ChargingMode, PeriodType, IsAutoRenew, IsAutoPay string
	PeriodNum                                        int
}

func createVolume(c *call) (int, any, error) {
	var in struct {
		Volume struct {
			Name, Description string
			Zone              string `json:"availability_zone"`
			Type              string `json:"volume_type"`
			Size              int64
			Tags              map[string]string
			Enterprise        string `json:"enterprise_project_id"`
		}
		Terms terms `json:"bssParam"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	v := in.Volume
	if err := c.need("availability_zone", v.Zone, "volume_type", v.Type); err != nil {
		return 0, nil, err
	}
	kind, err := c.volumeType(v.Type)
	if err != nil {
		return 0, nil, err
	}
	bought, err := c.term(in.Terms.ChargingMode, in.Terms.PeriodType, in.Terms.PeriodNum)
	if err != nil {
		return 0, nil, err
	}
	if v.Size < 10 || v.Size > 32768 || len(v.Description) > 255 || in.Terms.IsAutoRenew == "true" {
		return 0, nil, c.invalid("Invalid input received: size must be 10 to 32768")
	}
	made, err := c.sim.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: c.owner, Zone: v.Zone, Name: v.Name, Description: v.Description,
		Meta: v.Tags}, Purchase: bought, SizeGiB: v.Size, Type: kind})
	if err != nil {
		return 0, nil, err
	}
	reply := object{"volume_ids": []string{made.ID}}
	if bought.Months > 0 {
		reply["order_id"], err = c.order("purchase", made.ID)
	} else {
		reply["job_id"] = c.addJob(job{kind: simcloud.KindVolume, id: made.ID, making: true})
	}
	return 202, reply, err
}

func volumeView(v *simcloud.Volume) object {
	meta := object{}
	if v.Months > 0 {
		meta["orderID"] = "CS" + v.ID[:8]
	}
	attachments, bootable := []object{}, "false"
	if v.ServerID != "" && v.State != simcloud.Attaching {
		attachments = append(attachments, object{"server_id": v.ServerID, "attachment_id": v.AttachmentID, "device": v.Device, "volume_id": v.ID})
	}
	if v.ImageID != "" {
		bootable = "true"
	}
	return object{"id": v.ID, "name": v.Name, "description": v.Description, "status": volumeStatus(v), "size": v.SizeGiB, "volume_type": typeName(v.Type),
		"availability_zone": v.Zone, "bootable": bootable, "metadata": meta, "attachments": attachments, "tags": v.Meta,
		"created_at": v.Created.UTC().Format("2006-01-02T15:04:05.000000")}
}

func volumeStatus(v *simcloud.Volume) string {
	status := map[simcloud.State]string{simcloud.Building: "creating", simcloud.Failed: "error", simcloud.Attaching: "attaching",
		simcloud.Detaching: "detaching", simcloud.Extending: "extending", simcloud.Deleting: "deleting"}[v.State]
	switch {
	case status != "":
		return status
	case v.ServerID != "":
		return "in-use"
	}
	return "available"
}

func listVolumes(c *call) (int, any, error) {
	views, next, err := byMarker(c, simcloud.Query{}, 1000, nil, volumeView)
	body := object{"volumes": views}
	if next != "" {
		body["volumes_links"] = []any{object{"rel": "next", "href": "https://evs/?marker=" + next}}
	}
	return 200, body, err
}

func showVolume(c *call) (int, any, error) {
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"volume": volumeView(v)}, nil
}

func extendVolume(c *call) (int, any, error) {
	var in struct {
		Extend struct {
			Size int64 `json:"new_size"`
		} `json:"os-extend"`
		Terms struct{ IsAutoPay string } `json:"bssParam"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	v, err := c.sim.ExtendVolume(c.owner, c.id(), in.Extend.Size)
	if err != nil {
		return 0, nil, err
	}
	if v.Months > 0 {
		order, err := c.order("change", v.ID)
		return 202, object{"order_id": order}, err
	}
	return 202, object{"job_id": c.addJob(job{kind: simcloud.KindVolume, id: v.ID})}, nil
}

func deleteVolume(c *call) (int, any, error) {
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	if v.Months > 0 {
		return 0, nil, c.invalid("a volume in yearly/monthly billing is unsubscribed")
	}
	if _, err = c.sim.DeleteVolume(c.owner, v.ID); err != nil {
		return 0, nil, err
	}
	return 200, object{"job_id": c.addJob(job{kind: simcloud.KindVolume, id: v.ID})}, nil
}

func listTypes(c *call) (int, any, error) {
	views := []any{}
	for name := range types() {
		views = append(views, object{"id": strings.ToLower(name), "name": name, "extra_specs": object{}})
	}
	return 200, object{"volume_types": views}, nil
}

func volumeQuota(c *call) (int, any, error) {
	limits, used := c.sim.Quota(c.owner)
	return 200, object{"quota_set": object{"id": Project, "gigabytes": object{"limit": limits[simcloud.ItemDiskGiB], "in_use": used[simcloud.ItemDiskGiB], "reserved": 0}}}, nil
}
