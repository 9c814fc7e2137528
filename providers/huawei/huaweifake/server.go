package huaweifake

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// ecsService words errors as ECS does.
func (f *Fake) ecsService() *service {
	return &service{f, nested, "Ecs.0005", "Ecs.0114", "Ecs.0044", "Ecs.0001", "Ecs.0319", http.StatusConflict, http.StatusBadRequest, http.StatusBadRequest,
		tokenRules{"Ecs.0005", "Ecs.0005", "", 8 * time.Hour}}
}

func (f *Fake) servers() {
	s := f.ecsService()
	s.route("POST /v1/{project}/cloudservers", createServer)
	s.route("POST /v1.1/{project}/cloudservers", createServer)
	s.route("GET /v1/{project}/cloudservers/detail", listServers)
	s.route("GET /v1/{project}/cloudservers/flavors", listFlavors)
	s.route("GET /v1/{project}/cloudservers/limits", serverLimits)
	s.route("GET /v1/{project}/cloudservers/{id}", showServer)
	s.route("POST /v1/{project}/cloudservers/action", serverAction)
	s.route("POST /v1.1/{project}/cloudservers/{id}/resize", resizeServer)
	s.route("POST /v1/{project}/cloudservers/delete", deleteServers)
	s.route("POST /v1/{project}/cloudservers/{id}/attachvolume", attachVolume)
	s.route("DELETE /v1/{project}/cloudservers/{id}/detachvolume/{volume}", detachVolume)
	s.route("GET /v1/{project}/jobs/{id}", showJob)
	s.route("GET /v2.1/{project}/os-availability-zone", listZones)
	s.route("GET /v2/cloudimages", listImages)
}

// serverInput is what a creation takes: every field a driver may send, of the types that are documented.
type serverInput struct {
	Name, Description, ImageRef, FlavorRef, VpcID, AdminPass string
	UserData                                                 string `json:"user_data"`
	Zone                                                     string `json:"availability_zone"`
	Tags                                                     []string
	Metadata                                                 map[string]string
	Nics                                                     []struct {
		Subnet string `json:"subnet_id"`
	}
	Groups []struct{ ID string } `json:"security_groups"`
	Root   struct {
		Type string `json:"volumetype"`
		Size int64
	} `json:"root_volume"`
	Extend struct {
		ChargingMode, PeriodType, IsAutoRenew, IsAutoPay string
		PeriodNum                                        int
		Enterprise                                       string `json:"enterprise_project_id"`
	} `json:"extendparam"`
}

func createServer(c *call) (int, any, error) {
	var body struct{ Server serverInput }
	if err := c.read(&body); err != nil {
		return 0, nil, err
	}
	in := body.Server
	bought, err := c.checkServer(&in)
	if err != nil {
		return 0, nil, err
	}
	flavor, err := c.flavor(in.FlavorRef)
	if err != nil {
		return 0, nil, err
	}
	kind, err := c.volumeType(in.Root.Type)
	if err != nil {
		return 0, nil, err
	}
	groups := []string{}
	for _, g := range in.Groups {
		groups = append(groups, g.ID)
	}
	made, err := c.sim.CreateServer(simcloud.ServerInput{Object: simcloud.Object{Owner: c.owner, Zone: in.Zone, Name: in.Name, Description: in.Description,
		Tags: in.Tags, Meta: in.Metadata}, Purchase: bought, FlavorID: flavor.ID, ImageID: in.ImageRef, UserData: in.UserData, GroupIDs: groups,
		Nics:  []simcloud.Nic{{NetworkID: in.VpcID, SubnetID: in.Nics[0].Subnet}},
		Disks: []simcloud.Disk{{SizeGiB: in.Root.Size, Type: kind, ImageID: in.ImageRef, Owned: true}}})
	if err != nil {
		return 0, nil, err
	}
	reply := object{"serverIds": []string{made.ID}, "job_id": c.addJob(job{kind: simcloud.KindServer, id: made.ID, making: true})}
	if bought.Months > 0 {
		reply["order_id"], err = c.order("purchase", made.ID)
	}
	return 200, reply, err
}

// checkServer refuses what ECS documents that it refuses; subscriptions are v1.1's.
func (c *call) checkServer(in *serverInput) (simcloud.Purchase, error) {
	none := simcloud.Purchase{}
	if err := c.need("imageRef", in.ImageRef, "flavorRef", in.FlavorRef, "vpcid", in.VpcID, "root_volume.volumetype", in.Root.Type); err != nil {
		return none, err
	}
	if err := c.named(in.Name); err != nil {
		return none, err
	}
	if _, err := base64.StdEncoding.DecodeString(in.UserData); err != nil || len(in.Nics) != 1 || len(in.Description) > 85 || strings.ContainsAny(in.Description, "<>") {
		return none, c.invalid("user_data is not base64, or nics or description is illegal")
	}
	for _, t := range in.Tags {
		if key, value, ok := strings.Cut(t, "."); !ok || len(key) > 36 || len(value) > 43 {
			return none, c.invalid("the tag %q is not key.value", t)
		}
	}
	if in.Extend.IsAutoRenew == "true" || in.Extend.ChargingMode == "prePaid" && strings.HasPrefix(c.r.URL.Path, "/v1/") {
		return none, c.invalid("v1 sells on demand")
	}
	return c.term(in.Extend.ChargingMode, in.Extend.PeriodType, in.Extend.PeriodNum)
}

// flavor finds a size by its id, which is its name.
func (c *call) flavor(id string) (*simcloud.Flavor, error) {
	found, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(id)}}, nil)
	if err != nil || len(found) == 0 {
		return nil, c.invalid("the flavor %s does not exist", id)
	}
	return found[0], nil
}

func listFlavors(c *call) (int, any, error) {
	limit, err := c.limit(1000)
	if err != nil {
		return 0, nil, err
	}
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return 0, nil, err
	}
	start := 1 + slices.IndexFunc(all, func(f *simcloud.Flavor) bool { return f.Name == c.query("marker") })
	views := []any{}
	for _, f := range all[start:min(start+limit, len(all))] {
		specs := object{"ecs:performancetype": "normal", "cond:operation:status": "normal"}
		if f.SoldOut {
			specs["cond:operation:status"] = "sellout"
		}
		if f.Arch == "aarch64" {
			specs["ecs:instance_architecture"] = "arm64"
		}
		views = append(views, object{"id": f.Name, "name": f.Name, "vcpus": strconv.FormatInt(f.VCPU, 10), "ram": f.RAMMiB, "disk": "0", "os_extra_specs": specs})
	}
	return 200, object{"flavors": views}, nil
}

func listImages(c *call) (int, any, error) {
	q := simcloud.Query{Owner: c.owner}
	if name := c.query("name"); name != "" {
		q.Where = []string{simcloud.Named(name)}
	}
	all, err := simcloud.List[simcloud.Image](c.sim, q, nil)
	views := []any{}
	for _, i := range all {
		views = append(views, object{"id": i.ID, "name": i.Name, "status": "active", "min_disk": i.MinDiskGiB, "min_ram": i.MinRAMMiB, "__os_type": "Linux", "__imagetype": "gold"})
	}
	return 200, object{"images": views}, err
}

func listZones(c *call) (int, any, error) {
	zones := []any{}
	for _, z := range c.sim.Regions()[0].Zones {
		zones = append(zones, object{"zoneName": z, "zoneState": object{"available": true}, "hosts": nil})
	}
	return 200, object{"availabilityZoneInfo": zones}, nil
}

func serverLimits(c *call) (int, any, error) {
	limits, used := c.sim.Quota(c.owner)
	return 200, object{"absolute": object{"maxTotalInstances": limits[simcloud.ItemServers], "totalInstancesUsed": used[simcloud.ItemServers],
		"maxTotalCores": limits[simcloud.ItemVCPU], "totalCoresUsed": used[simcloud.ItemVCPU],
		"maxTotalRAMSize": limits[simcloud.ItemRAMMiB], "totalRAMUsed": used[simcloud.ItemRAMMiB]}}, nil
}

// serverView shows a server; one that has been resized ECS confirms by itself.
func (c *call) serverView(s *simcloud.Server) object {
	status, task := serverStatus(s.State)
	if s.State == simcloud.Resized {
		_, _ = c.sim.ConfirmResize(c.owner, s.ID) // it is under way where this fails
	}
	meta := object{"charging_mode": "0", "metering.image_id": s.ImageID}
	for k, v := range s.Meta {
		meta[k] = v
	}
	if s.Months > 0 {
		meta["charging_mode"], meta["metering.order_id"] = "1", "CS"+s.ID[:8]
	}
	view := object{"id": s.ID, "name": s.Name, "description": s.Description, "status": status, "OS-EXT-STS:task_state": task, "created": when(s.Created),
		"OS-EXT-AZ:availability_zone": s.Zone, "metadata": meta, "fault": nil, "flavor": c.flavorOf(s)}
	if s.Fault != "" {
		view["fault"] = object{"message": s.Fault, "code": 500}
	}
	tags := []string{}
	for _, t := range s.Tags {
		tags = append(tags, strings.Replace(t, ".", "=", 1))
	}
	view["tags"] = tags
	c.connect(s, view, meta)
	volumes := []object{}
	for i, a := range s.Volumes {
		boot := "-1"
		if i == 0 {
			boot = "0" // the system disk is the first a server ever has
		}
		volumes = append(volumes, object{"id": a.VolumeID, "bootIndex": boot, "device": a.Device, "delete_on_termination": strconv.FormatBool(a.Owned)})
	}
	view["os-extended-volumes:volumes_attached"] = volumes
	return view
}

func (c *call) flavorOf(s *simcloud.Server) object {
	name := s.FlavorID
	if f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, s.FlavorID); err == nil {
		name = f.Name
	}
	return object{"id": name, "name": name, "vcpus": strconv.FormatInt(s.Size.VCPU, 10), "ram": strconv.FormatInt(s.Size.RAMMiB, 10), "disk": "0"}
}

// connect shows a server's ports and their groups.
func (c *call) connect(s *simcloud.Server, view, meta object) {
	addresses, groups := map[string][]object{}, []object{}
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id)
		if err != nil {
			continue
		}
		meta["vpc_id"] = p.NetworkID
		for _, a := range p.Fixed {
			addresses[p.NetworkID] = append(addresses[p.NetworkID], object{"version": "4", "addr": a.Address, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS:port_id": p.ID})
		}
		for _, g := range p.GroupIDs {
			if group, err := simcloud.Get[simcloud.Group](c.sim, c.owner, g); err == nil {
				groups = append(groups, object{"id": g, "name": group.Name})
			}
		}
	}
	view["addresses"], view["security_groups"] = addresses, groups
}

func serverStatus(s simcloud.State) (status string, task any) {
	switch s {
	case simcloud.Building:
		return "BUILD", "spawning"
	case simcloud.Stopping:
		return "ACTIVE", "powering-off"
	case simcloud.Stopped:
		return "SHUTOFF", nil
	case simcloud.Starting:
		return "SHUTOFF", "powering-on"
	case simcloud.Resizing:
		return "RESIZE", "resize_prep"
	case simcloud.Resized, simcloud.Confirming:
		return "VERIFY_RESIZE", nil
	case simcloud.Deleting:
		return "ACTIVE", "deleting"
	case simcloud.Failed:
		return "ERROR", nil
	}
	return "ACTIVE", nil
}

func listServers(c *call) (int, any, error) {
	views, _, err := byMarker(c, simcloud.Query{}, 1000, nil, c.serverView)
	if err != nil {
		return 0, nil, err
	}
	_, used := c.sim.Quota(c.owner)
	return 200, object{"servers": views, "count": used[simcloud.ItemServers]}, nil
}

func showServer(c *call) (int, any, error) {
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"server": c.serverView(s)}, nil
}

// asJob answers with a job. What the state of the server refuses fails in the job: the call itself is taken.
func (c *call) asJob(j job, err error) (int, any, error) {
	if refused := c.translateIf(err); refused != nil {
		if refused.status != http.StatusConflict {
			return 0, nil, err
		}
		j.refused = refused.text
	}
	return 200, object{"job_id": c.addJob(j)}, nil
}

func (c *call) translateIf(err error) *refusal {
	if err == nil {
		return nil
	}
	return c.translate(err)
}

func serverAction(c *call) (int, any, error) {
	type batch struct {
		Servers []struct{ ID string }
		Type    string
	}
	var in struct {
		Start *batch `json:"os-start"`
		Stop  *batch `json:"os-stop"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	turn, b := c.sim.StartServer, in.Start
	if in.Stop != nil {
		turn, b = c.sim.StopServer, in.Stop
	}
	if b == nil || len(b.Servers) != 1 || b.Type != "" && b.Type != "SOFT" && b.Type != "HARD" {
		return 0, nil, c.invalid("the action is illegal")
	}
	_, err := turn(c.owner, b.Servers[0].ID)
	return c.asJob(job{kind: simcloud.KindServer, id: b.Servers[0].ID}, err)
}

func resizeServer(c *call) (int, any, error) {
	var in struct {
		Resize struct {
			FlavorRef, Mode string
			Extend          struct{ IsAutoPay string } `json:"extendparam"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	flavor, err := c.flavor(in.Resize.FlavorRef)
	if err != nil {
		return 0, nil, err
	}
	if s.State == simcloud.Active && in.Resize.Mode != "withStopServer" {
		return 0, nil, &refusal{http.StatusBadRequest, "Ecs.0044", "the server must be SHUTOFF"}
	}
	_, err = c.sim.ResizeServer(c.owner, s.ID, flavor.ID)
	status, body, err := c.asJob(job{kind: simcloud.KindServer, id: s.ID}, err)
	if err == nil && s.Months > 0 {
		var order string
		order, err = c.order("change", s.ID)
		body = object{"order_id": order}
	}
	return status, body, err
}

// deleteServers refuses subscriptions, which are unsubscribed.
func deleteServers(c *call) (int, any, error) {
	var in struct {
		Servers  []struct{ ID string }
		PublicIP bool `json:"delete_publicip"`
		Volume   bool `json:"delete_volume"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if len(in.Servers) != 1 {
		return 0, nil, c.invalid("servers is illegal")
	}
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, in.Servers[0].ID)
	if err != nil {
		return 0, nil, err
	}
	if s.Months > 0 {
		return 0, nil, c.invalid("a server in yearly/monthly billing is unsubscribed")
	}
	_, err = c.sim.DeleteServer(c.owner, s.ID)
	return c.asJob(job{kind: simcloud.KindServer, id: s.ID}, err)
}

func attachVolume(c *call) (int, any, error) {
	var in struct {
		Attachment struct{ VolumeID, Device string } `json:"volumeAttachment"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	_, err := c.sim.AttachVolume(c.owner, c.id(), in.Attachment.VolumeID, in.Attachment.Device, false)
	return c.asJob(job{kind: simcloud.KindVolume, id: in.Attachment.VolumeID}, err)
}

func detachVolume(c *call) (int, any, error) {
	volume := c.r.PathValue("volume")
	return c.asJob(job{kind: simcloud.KindVolume, id: volume}, c.sim.DetachVolume(c.owner, c.id(), volume))
}

// showJob tells how far a job is by the state of what it is about.
func showJob(c *call) (int, any, error) {
	c.mu.Lock()
	j, ok := c.jobs[c.id()]
	c.mu.Unlock()
	if !ok {
		return 0, nil, &refusal{http.StatusNotFound, "Ecs.0117", fmt.Sprintf("job %s does not exist", c.id())}
	}
	status, reason := "SUCCESS", any(nil)
	state, found := c.stateOf(j)
	switch {
	case j.refused != "":
		status, reason = "FAIL", j.refused
	case !found && j.making, state == simcloud.Failed:
		status, reason = "FAIL", "the resource was not made"
	case strings.HasSuffix(string(state), "ing"):
		status = "RUNNING"
	}
	return 200, object{"job_id": c.id(), "status": status, "fail_reason": reason, "entities": object{}}, nil
}

func (c *call) stateOf(j job) (simcloud.State, bool) {
	if j.kind == simcloud.KindVolume {
		v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, j.id)
		if err != nil {
			return "", false
		}
		return v.State, true
	}
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, j.id)
	if err != nil {
		return "", false
	}
	return s.State, true
}
