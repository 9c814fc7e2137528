package openstackfake

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// computeParts are what hangs on a server: volumes, interfaces, tags, metadata.
func (s *service) computeParts() {
	s.route("GET /servers/{id}/os-volume_attachments", listAttachments)
	s.route("POST /servers/{id}/os-volume_attachments", attachVolume)
	s.route("GET /servers/{id}/os-volume_attachments/{volume}", showAttachment)
	s.route("DELETE /servers/{id}/os-volume_attachments/{volume}", detachVolume)
	s.route("GET /servers/{id}/os-interface", listInterfaces)
	s.route("POST /servers/{id}/os-interface", attachInterface)
	s.route("DELETE /servers/{id}/os-interface/{port}", func(c *call) (int, any, error) {
		return 202, nil, c.sim.DetachPort(c.owner, c.id(), c.r.PathValue("port"))
	})
	s.route("GET /servers/{id}/os-security-groups", func(c *call) (int, any, error) {
		x, err := c.server()
		if err != nil {
			return 0, nil, err
		}
		return 200, object{"security_groups": list(c.groupNames(x))}, nil
	})
	s.route("GET /servers/{id}/tags", showTags)
	s.route("PUT /servers/{id}/tags", replaceTags)
	s.route("DELETE /servers/{id}/tags", func(c *call) (int, any, error) {
		return 204, nil, c.retag(func([]string) ([]string, error) { return nil, nil })
	})
	s.route("GET /servers/{id}/tags/{tag}", hasTag)
	s.route("PUT /servers/{id}/tags/{tag}", addTag)
	s.route("DELETE /servers/{id}/tags/{tag}", removeTag)
	s.metadata("/servers/{id}", func(c *call, change func(map[string]string)) (map[string]string, error) {
		x, err := simcloud.Edit(c.sim, c.owner, c.id(), func(x *simcloud.Server) error {
			x.Meta = maps.Clone(dict(x.Meta))
			change(x.Meta)
			return checkMetadata(x.Meta)
		})
		if err != nil {
			return nil, err
		}
		return dict(x.Meta), nil
	})
}

func (c *call) server() (*simcloud.Server, error) {
	return simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
}

func attachmentView(c *call, s *simcloud.Server, a simcloud.Attachment) object {
	v := object{"volumeId": a.VolumeID, "serverId": s.ID, "device": a.Device}
	if c.minor < 89 {
		v["id"] = a.VolumeID
	} else {
		v["attachment_id"], v["bdm_uuid"] = a.ID, nameID("bdm", a.ID)
	}
	if c.minor >= 70 {
		v["tag"] = nil
	}
	if c.minor >= 79 {
		v["delete_on_termination"] = a.Owned
	}
	return v
}

func listAttachments(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	out := []any{}
	for _, a := range s.Volumes {
		out = append(out, attachmentView(c, s, a))
	}
	return 200, object{"volumeAttachments": out}, nil
}

func showAttachment(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	volume := c.r.PathValue("volume")
	for _, a := range s.Volumes {
		if a.VolumeID == volume {
			return 200, object{"volumeAttachment": attachmentView(c, s, a)}, nil
		}
	}
	return 0, nil, refuse(404, "Instance %s is not attached to volume %s", s.ID, volume)
}

func attachVolume(c *call) (int, any, error) {
	var in struct {
		Attachment struct {
			VolumeID string `json:"volumeId"`
			Device   string `json:"device"`
			Tag      string `json:"tag"`
			Owned    *bool  `json:"delete_on_termination"`
		} `json:"volumeAttachment"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.Attachment.Owned != nil && c.minor < 79 {
		return 0, nil, unexpected("delete_on_termination")
	}
	a, err := c.sim.AttachVolume(c.owner, c.id(), in.Attachment.VolumeID, in.Attachment.Device, orElse(in.Attachment.Owned, false))
	if e := cause(err); e.Reason == simcloud.InUse {
		return 0, nil, badRequest("Invalid volume: volume '%s' status must be 'available'. Currently in '%s' status.", e.ID, e.Detail)
	}
	if err != nil {
		return 0, nil, actionError(c, "attach_volume", err)
	}
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"volumeAttachment": attachmentView(c, s, a)}, nil
}

func detachVolume(c *call) (int, any, error) {
	err := c.sim.DetachVolume(c.owner, c.id(), c.r.PathValue("volume"))
	if e := cause(err); e.Reason == simcloud.Busy {
		err = badRequest("Invalid volume: Invalid input received: Volume %s is %s.", e.ID, e.State)
	}
	return 202, nil, err
}

func interfaceView(p *simcloud.Port) object {
	ips := []any{}
	for _, f := range p.Fixed {
		ips = append(ips, object{"subnet_id": f.SubnetID, "ip_address": f.Address})
	}
	return object{"port_id": p.ID, "net_id": p.NetworkID, "mac_addr": p.MAC, "port_state": "ACTIVE", "fixed_ips": ips}
}

func listInterfaces(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil {
		return 0, nil, err
	}
	out := []any{}
	for _, id := range s.PortIDs {
		if p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id); err == nil {
			out = append(out, interfaceView(p))
		}
	}
	return 200, object{"interfaceAttachments": out}, nil
}

func attachInterface(c *call) (int, any, error) {
	var in struct {
		Attachment struct {
			PortID   string              `json:"port_id"`
			NetID    string              `json:"net_id"`
			FixedIPs []map[string]string `json:"fixed_ips"`
			Tag      string              `json:"tag"`
		} `json:"interfaceAttachment"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	nic := simcloud.Nic{PortID: in.Attachment.PortID, NetworkID: in.Attachment.NetID}
	if len(in.Attachment.FixedIPs) > 0 {
		nic.Address = in.Attachment.FixedIPs[0]["ip_address"]
	}
	p, err := c.sim.AttachPort(c.owner, c.id(), nic)
	if err != nil {
		return 0, nil, actionError(c, "attach_interface", err)
	}
	return 200, object{"interfaceAttachment": interfaceView(p)}, nil
}

// retag changes a server's tags, which Nova knows since 2.26.
func (c *call) retag(f func([]string) ([]string, error)) error {
	if c.minor < 26 {
		return refuse(404, "The resource could not be found.")
	}
	_, err := simcloud.Edit(c.sim, c.owner, c.id(), func(s *simcloud.Server) error {
		tags, err := f(s.Tags)
		s.Tags = tags
		return err
	})
	return err
}

func showTags(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil || c.minor < 26 {
		return 0, nil, refuse(404, "Instance %s could not be found.", c.id())
	}
	return 200, object{"tags": list(s.Tags)}, nil
}

func replaceTags(c *call) (int, any, error) {
	var in struct {
		Tags []string `json:"tags"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	err := c.retag(func([]string) ([]string, error) { return in.Tags, checkTags(in.Tags) })
	return 200, object{"tags": list(in.Tags)}, err
}

func hasTag(c *call) (int, any, error) {
	s, err := c.server()
	if err != nil || !slices.Contains(s.Tags, c.r.PathValue("tag")) {
		return 0, nil, refuse(404, "Server %s has no tag '%s'", c.id(), c.r.PathValue("tag"))
	}
	return 204, nil, nil
}

func addTag(c *call) (int, any, error) {
	tag, status := c.r.PathValue("tag"), 201
	err := c.retag(func(have []string) ([]string, error) {
		if slices.Contains(have, tag) {
			status = 204
			return have, nil
		}
		tags := append(slices.Clone(have), tag)
		return tags, checkTags(tags)
	})
	return status, nil, err
}

func removeTag(c *call) (int, any, error) {
	tag := c.r.PathValue("tag")
	err := c.retag(func(have []string) ([]string, error) {
		if !slices.Contains(have, tag) {
			return nil, refuse(404, "Server %s has no tag '%s'", c.id(), tag)
		}
		return toggle(have, tag, false), nil
	})
	return 204, nil, err
}

// metadata serves what Nova and Cinder have alike: the whole dictionary and its single entries, which edit changes.
func (s *service) metadata(path string, edit func(*call, func(map[string]string)) (map[string]string, error)) {
	whole := func(replace bool) func(*call) (int, any, error) {
		return func(c *call) (int, any, error) {
			var in struct {
				Metadata map[string]string `json:"metadata"`
			}
			if c.r.Method != http.MethodGet {
				if err := c.read(&in); err != nil {
					return 0, nil, err
				}
			}
			m, err := edit(c, func(m map[string]string) {
				if replace {
					clear(m)
				}
				maps.Copy(m, in.Metadata)
			})
			return 200, object{"metadata": m}, err
		}
	}
	s.route("GET "+path+"/metadata", whole(false))
	s.route("POST "+path+"/metadata", whole(false))
	s.route("PUT "+path+"/metadata", whole(true))
	s.route("GET "+path+"/metadata/{key}", func(c *call) (int, any, error) {
		m, err := edit(c, func(map[string]string) {})
		v, ok := m[c.r.PathValue("key")]
		if err == nil && !ok {
			err = refuse(404, "Metadata item was not found")
		}
		return 200, object{"meta": object{c.r.PathValue("key"): v}}, err
	})
	s.route("PUT "+path+"/metadata/{key}", func(c *call) (int, any, error) {
		var in struct {
			Meta map[string]string `json:"meta"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		_, err := edit(c, func(m map[string]string) { maps.Copy(m, in.Meta) })
		return 200, object{"meta": in.Meta}, err
	})
	s.route("DELETE "+path+"/metadata/{key}", func(c *call) (int, any, error) {
		found := false
		_, err := edit(c, func(m map[string]string) {
			_, found = m[c.r.PathValue("key")]
			delete(m, c.r.PathValue("key"))
		})
		if err == nil && !found {
			err = refuse(404, "Metadata item was not found")
		}
		return deletedStatus(s.prefix), nil, err
	})
}

// deletedStatus is what a service answers to the removal of a metadata entry.
func deletedStatus(prefix string) int {
	if strings.HasPrefix(prefix, "/compute") {
		return 204
	}
	return 200
}
