package openstackfake

import (
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// maxCinder is the newest volume microversion, that of the release Zed.
const maxCinder = 70

// cinderRefusal words what the simulated cloud refused: Cinder answers 413 to an exhausted quota, and 400, not 409, to a
// wrong state.
func cinderRefusal(e *simcloud.Error) refusal {
	switch e.Reason {
	case simcloud.Exceeded:
		if e.Item == simcloud.ItemVolumes {
			return refuse(413, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes'.", e.Limit)
		}
		return refuse(413, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.", e.Asked, e.Limit, e.Used)
	case simcloud.Busy, simcloud.InUse:
		return badRequest("Invalid volume: Volume status must be available or error and must not be migrating, attached, belong to a group, have snapshots or be disassociated from snapshots after volume transfer. (%s)", e.State)
	case simcloud.Missing:
		if e.Kind == simcloud.KindVolumeType {
			return refuse(404, "Volume type with name %s could not be found.", e.ID)
		}
		return refuse(404, "%s %s could not be found.", novaNoun(e.Kind), e.ID)
	}
	return badRequest("Invalid input received: %s", e.Detail)
}

// volume serves Cinder as its api-ref describes it (docs.openstack.org/api-ref/block-storage/v3). The project stands in
// every path and must be the token's.
func (f *Fake) volume() {
	versions := func(status int) func(http.ResponseWriter, *http.Request) (int, any) {
		return func(_ http.ResponseWriter, r *http.Request) (int, any) {
			region, _ := r.Context().Value(regionKey{}).(string)
			return status, object{"versions": []any{object{
				"id": "v3.0", "status": "CURRENT", "version": "3." + itoa(maxCinder), "min_version": "3.0", "updated": "2021-12-16T00:00:00Z",
				"links": []any{object{"rel": "self", "href": f.base(r, region) + "/volume/v3/"}},
			}}}
		}
	}
	f.open("GET /volume/{$}", versions(300))
	f.open("GET /volume/v3/{$}", versions(200))
	s := &service{
		Fake: f, prefix: "/volume/v3/{project}", word: novaError, translate: cinderRefusal,
		version: microversions("volume", "", 3, 0, maxCinder), stamp: stampVersion("volume 3.", ""),
	}
	in := func(pattern string, h func(*call) (int, any, error)) {
		s.route(pattern, func(c *call) (int, any, error) {
			if c.r.PathValue("project") != c.owner.Tenant {
				return 0, nil, badRequest("Malformed request url")
			}
			return h(c)
		})
	}
	in("POST /volumes", createVolume)
	in("GET /volumes", func(c *call) (int, any, error) { return listVolumes(c, false) })
	in("GET /volumes/detail", func(c *call) (int, any, error) { return listVolumes(c, true) })
	in("GET /volumes/{id}", showVolume)
	in("PUT /volumes/{id}", updateVolume)
	in("DELETE /volumes/{id}", func(c *call) (int, any, error) {
		_, err := c.sim.DeleteVolume(c.owner, c.id())
		return 202, nil, err
	})
	in("POST /volumes/{id}/action", actOnVolume)
	s.metadata("/volumes/{id}", editVolumeMetadata)
	in("GET /types", listVolumeTypes)
	in("GET /types/{id}", showVolumeType)
	in("GET /snapshots", func(*call) (int, any, error) { return 200, object{"snapshots": []any{}}, nil })
	in("GET /snapshots/detail", func(*call) (int, any, error) { return 200, object{"snapshots": []any{}}, nil })
	in("GET /limits", volumeLimits)
	in("GET /os-quota-sets/{id}", func(c *call) (int, any, error) {
		return quotaSet(c, map[string]simcloud.Item{"volumes": simcloud.ItemVolumes, "gigabytes": simcloud.ItemDiskGiB}, strings.EqualFold(c.query("usage"), "true"))
	})
	in("GET /os-availability-zone", func(c *call) (int, any, error) {
		out := []any{}
		for _, z := range c.zones() {
			out = append(out, object{"zoneName": z, "zoneState": object{"available": true}})
		}
		return 200, object{"availabilityZoneInfo": out}, nil
	})
}

func editVolumeMetadata(c *call, change func(map[string]string)) (map[string]string, error) {
	v, err := simcloud.Edit(c.sim, c.owner, c.id(), func(v *simcloud.Volume) error {
		v.Meta = maps.Clone(dict(v.Meta))
		change(v.Meta)
		return checkMetadata(v.Meta)
	})
	if err != nil {
		return nil, err
	}
	return dict(v.Meta), nil
}

// volumeStatus is a volume's state in Cinder's words.
func volumeStatus(v *simcloud.Volume) string {
	switch v.State {
	case simcloud.Building:
		return "creating"
	case simcloud.Failed:
		return "error"
	case simcloud.Active:
		if v.ServerID != "" {
			return "in-use"
		}
		return "available"
	}
	return string(v.State) // attaching, detaching, extending, deleting
}

func volumeView(c *call, v *simcloud.Volume, detail bool) object {
	base := c.base(c.r, c.owner.Region) + "/volume/v3/" + v.Tenant + "/volumes/" + v.ID
	out := object{"id": v.ID, "name": v.Name, "links": []any{object{"rel": "self", "href": base}}}
	if !detail {
		return out
	}
	attachments := []any{}
	if v.ServerID != "" && v.State != simcloud.Attaching {
		attachments = append(attachments, object{
			"id": v.ID, "attachment_id": v.AttachmentID, "volume_id": v.ID, "server_id": v.ServerID, "host_name": nil,
			"device": v.Device, "attached_at": when(v.AttachedAt, micros),
		})
	}
	maps.Copy(out, object{
		"status": volumeStatus(v), "size": v.SizeGiB, "description": orNull(v.Description), "metadata": dict(v.Meta),
		"availability_zone": v.Zone, "volume_type": v.Type, "attachments": attachments, "bootable": "false", "encrypted": false,
		"multiattach": false, "snapshot_id": nil, "source_volid": nil, "consistencygroup_id": nil, "replication_status": nil,
		"user_id": c.userID(), "os-vol-tenant-attr:tenant_id": v.Tenant,
		"created_at": when(v.Created, micros), "updated_at": when(v.Updated, micros),
	})
	if v.ImageID != "" {
		out["bootable"] = "true"
		out["volume_image_metadata"] = object{"image_id": v.ImageID}
	}
	return out
}

func createVolume(c *call) (int, any, error) {
	var in struct {
		Volume struct {
			Size             int64             `json:"size"`
			Name             string            `json:"name"`
			Description      string            `json:"description"`
			VolumeType       string            `json:"volume_type"`
			AvailabilityZone string            `json:"availability_zone"`
			ImageRef         string            `json:"imageRef"`
			Metadata         map[string]string `json:"metadata"`
			SnapshotID       *string           `json:"snapshot_id"`
			SourceVolID      *string           `json:"source_volid"`
			BackupID         *string           `json:"backup_id"`
			ConsistencyGroup *string           `json:"consistencygroup_id"`
			Multiattach      *bool             `json:"multiattach"`
		} `json:"volume"`
		Hints map[string]any `json:"OS-SCH-HNT:scheduler_hints"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	r := in.Volume
	if r.Size <= 0 {
		return 0, nil, badRequest("Invalid input received: Volume size '%d' must be an integer and greater than 0", r.Size)
	}
	if len([]rune(r.Name)) > 255 || len([]rune(r.Description)) > 255 {
		return 0, nil, badRequest("Invalid input for field/attribute name. '%s' is too long", r.Name)
	}
	if err := checkMetadata(r.Metadata); err != nil {
		return 0, nil, err
	}
	v, err := c.sim.CreateVolume(simcloud.VolumeInput{
		Object:  simcloud.Object{Owner: c.owner, Zone: r.AvailabilityZone, Name: r.Name, Description: r.Description, Meta: r.Metadata},
		SizeGiB: r.Size, Type: r.VolumeType, ImageID: r.ImageRef, Late: true,
	})
	if err != nil {
		return 0, nil, err
	}
	return 202, object{"volume": volumeView(c, v, true)}, nil
}

func showVolume(c *call) (int, any, error) {
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"volume": volumeView(c, v, true)}, nil
}

func updateVolume(c *call) (int, any, error) {
	var in struct {
		Volume struct {
			Name        *string           `json:"name"`
			Description *string           `json:"description"`
			Metadata    map[string]string `json:"metadata"`
		} `json:"volume"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	v, err := simcloud.Edit(c.sim, c.owner, c.id(), func(v *simcloud.Volume) error {
		v.Name, v.Description = orElse(in.Volume.Name, v.Name), orElse(in.Volume.Description, v.Description)
		if in.Volume.Metadata != nil {
			v.Meta = in.Volume.Metadata
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"volume": volumeView(c, v, true)}, nil
}

// actOnVolume extends a volume: one in use since 3.42 only.
func actOnVolume(c *call) (int, any, error) {
	var in struct {
		Extend *struct {
			NewSize int64 `json:"new_size"`
		} `json:"os-extend"`
		Bootable *struct {
			Bootable bool `json:"bootable"`
		} `json:"os-set_bootable"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.id())
	if err != nil || in.Extend == nil {
		return 200, nil, err
	}
	status := volumeStatus(v)
	if status != "available" && (status != "in-use" || c.minor < 42) {
		return 0, nil, badRequest("Invalid volume: Volume %s status must be '('available',)' to extend, currently %s.", v.ID, status)
	}
	_, err = c.sim.ExtendVolume(c.owner, v.ID, in.Extend.NewSize)
	return 202, nil, err
}

// listVolumes pages over volumes, newest first, with a next link after every full page.
func listVolumes(c *call, detail bool) (int, any, error) {
	limit, err := c.limit(c.options.MaxPage)
	if err != nil {
		return 0, nil, err
	}
	q := simcloud.Query{Owner: c.owner, Own: true, After: c.query("marker"), Limit: limit, Newest: true}
	q.Where = volumeKeys(c)
	found, err := simcloud.List(c.sim, q, volumeFilter(c))
	if err != nil {
		return 0, nil, err
	}
	views := make([]any, len(found))
	for i, v := range found {
		views[i] = volumeView(c, v, detail)
	}
	body := object{"volumes": views}
	if len(found) == limit && limit > 0 {
		body["volumes_links"] = []any{c.nextLink(found[limit-1].ID)}
	}
	return 200, body, nil
}

func listVolumeTypes(c *call) (int, any, error) {
	found, err := simcloud.List[simcloud.VolumeType](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return 0, nil, err
	}
	out := []any{}
	for _, t := range found {
		out = append(out, volumeTypeView(t))
	}
	return 200, object{"volume_types": out}, nil
}

func volumeTypeView(t *simcloud.VolumeType) object {
	return object{
		"id": t.ID, "name": t.Name, "description": orNull(t.Description), "is_public": true,
		"os-volume-type-access:is_public": true, "extra_specs": object{}, "qos_specs_id": nil,
	}
}

func showVolumeType(c *call) (int, any, error) {
	t, err := simcloud.Get[simcloud.VolumeType](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"volume_type": volumeTypeView(t)}, nil
}

func volumeLimits(c *call) (int, any, error) {
	l, u := c.sim.Quota(c.owner)
	return 200, object{"limits": object{"rate": []any{}, "absolute": object{
		"maxTotalVolumes": l[simcloud.ItemVolumes], "totalVolumesUsed": u[simcloud.ItemVolumes],
		"maxTotalVolumeGigabytes": l[simcloud.ItemDiskGiB], "totalGigabytesUsed": u[simcloud.ItemDiskGiB],
		"maxTotalSnapshots": 10, "totalSnapshotsUsed": 0, "maxTotalBackups": 10, "totalBackupsUsed": 0,
		"maxTotalBackupGigabytes": 1000, "totalBackupGigabytesUsed": 0,
	}}}, nil
}

// volumeKeys are the filters that the index answers.
func volumeKeys(c *call) []string {
	var keys []string
	if name := c.query("name"); name != "" {
		keys = append(keys, simcloud.Named(name))
	}
	if metadata := c.query("metadata"); metadata != "" {
		// A dictionary as Python writes it.
		pair := regexp.MustCompile(`u?['"]([^'"]*)['"]\s*:\s*u?['"]([^'"]*)['"]`)
		for _, m := range pair.FindAllStringSubmatch(metadata, -1) {
			keys = append(keys, simcloud.Marked(m[1], m[2]))
		}
	}
	return keys
}

func volumeFilter(c *call) func(*simcloud.Volume) bool {
	status, zone, id, bootable := c.query("status"), c.query("availability_zone"), c.query("id"), c.query("bootable")
	return func(v *simcloud.Volume) bool {
		return (status == "" || volumeStatus(v) == status) && (zone == "" || v.Zone == zone) && (id == "" || v.ID == id) &&
			(bootable == "" || strings.EqualFold(bootable, "true") == (v.ImageID != ""))
	}
}
