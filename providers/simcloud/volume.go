package simcloud

import (
	"slices"
	"time"
)

// Volume is a block volume.
type Volume struct {
	Object
	Purchase
	SizeGiB      int64     `json:"size_gib"`
	NewGiB       int64     `json:"new_gib,omitempty"` // while Extending
	Type         string    `json:"type"`
	ImageID      string    `json:"image_id,omitempty"` // what it began as: it is bootable
	ServerID     string    `json:"server_id,omitempty"`
	Device       string    `json:"device,omitempty"`
	AttachmentID string    `json:"attachment_id,omitempty"`
	AttachedAt   time.Time `json:"attached_at,omitzero"`
	Placed       bool      `json:"placed"`
}

// VolumeInput is what CreateVolume takes; Late as in ServerInput.
type VolumeInput struct {
	Object
	Purchase
	SizeGiB int64
	Type    string // name or id; "": the first of the catalogue
	ImageID string
	Late    bool
}

func (*Volume) in(c *Cloud) *table[Volume] { return c.volumes }

func (v *Volume) bought() *Purchase { return &v.Purchase }
func (v *Volume) uses() []Use       { return []Use{{MeterVolume, v.Type, v.SizeGiB}} }

func (v *Volume) takes() []Take {
	return []Take{{ItemVolumes, 1}, {ItemDiskGiB, max(v.SizeGiB, v.NewGiB)}}
}

func (v *Volume) occupies() []Take {
	if !v.Placed {
		return nil
	}
	return v.takes()[1:]
}

// CreateVolume makes a volume.
func (c *Cloud) CreateVolume(in VolumeInput) (*Volume, error) {
	return within(c, func() (*Volume, error) { return c.createVolume(in) })
}

func (c *Cloud) createVolume(in VolumeInput) (*Volume, error) {
	kind, err := c.volumeType(in.Owner, in.Type)
	if err != nil {
		return nil, err
	}
	if in.ImageID != "" {
		i, err := see[Image](c, in.Owner, in.ImageID)
		if err != nil {
			return nil, err
		}
		if in.SizeGiB < i.MinDiskGiB {
			return nil, invalid(KindVolume, "Volume size %dGB cannot be smaller than the image minDisk size %dGB.", in.SizeGiB, i.MinDiskGiB)
		}
	}
	if in.Zone, err = c.zone(in.Region, in.Zone); err != nil {
		return nil, err
	}
	v := &Volume{Object: in.Object, Purchase: in.Purchase, SizeGiB: in.SizeGiB, Type: kind, ImageID: in.ImageID, Placed: true}
	v.State = Building
	if err := c.admit(KindVolume, in.Owner, v.takes()...); err != nil {
		return nil, err
	}
	if err := c.place(KindVolume, in.Region, in.Zone, v.takes()[1:]...); err != nil {
		if !in.Late {
			return nil, err
		}
		v.Placed, v.Next, v.Fault = false, Failed, "No valid backend was found."
	}
	return put(c, v), nil
}

// volumeType turns a type's name or id into its name.
func (c *Cloud) volumeType(o Owner, given string) (string, error) {
	all, err := c.volumeTypes.list(Query{Owner: o}, nil, c.time())
	if err != nil {
		return "", err
	}
	for _, t := range all {
		if given == "" || t.Name == given || t.ID == given {
			return t.Name, nil
		}
	}
	return "", missing(KindVolumeType, given)
}

// ExtendVolume grows a volume. The caller decides whether one that is attached may grow.
func (c *Cloud) ExtendVolume(o Owner, id string, sizeGiB int64) (*Volume, error) {
	return within(c, func() (*Volume, error) {
		v, err := see[Volume](c, o, id)
		if err != nil {
			return nil, err
		}
		if v.State != Active {
			return nil, busy(KindVolume, &v.Object)
		}
		if sizeGiB <= v.SizeGiB {
			return nil, invalid(KindVolume, "New size for extend must be greater than current size. (current: %d, extended: %d).", v.SizeGiB, sizeGiB)
		}
		more := Take{ItemDiskGiB, sizeGiB - v.SizeGiB}
		if err := c.admit(KindVolume, o, more); err != nil {
			return nil, err
		}
		return change(c, id, Extending, Active, func(v *Volume) { v.NewGiB = sizeGiB }), nil
	})
}

// DeleteVolume removes a volume that no server has.
func (c *Cloud) DeleteVolume(o Owner, id string) (*Volume, error) {
	return within(c, func() (*Volume, error) {
		v, err := see[Volume](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case v.ServerID != "":
			return nil, inUse(KindVolume, id, "it is attached to "+v.ServerID)
		case v.State != Active && v.State != Failed && v.State != Deleting:
			return nil, busy(KindVolume, &v.Object)
		}
		return vanish(c, v), nil
	})
}

func (v *Volume) detached() {
	v.State, v.Next, v.Due = Active, "", time.Time{}
	v.ServerID, v.Device, v.AttachmentID, v.AttachedAt = "", "", "", time.Time{}
}

// arrive ends a passing state of a volume.
func (v *Volume) arrive(c *Cloud, via State) {
	switch via {
	case Extending:
		edit(c, v.ID, func(v *Volume) { v.SizeGiB, v.NewGiB = v.NewGiB, 0 })
	case Detaching:
		if s := c.servers.get(v.ServerID); s != nil {
			edit(c, s.ID, func(s *Server) {
				s.Volumes = slices.DeleteFunc(slices.Clone(s.Volumes), func(a Attachment) bool { return a.VolumeID == v.ID })
			})
		}
		edit(c, v.ID, (*Volume).detached)
	}
}
