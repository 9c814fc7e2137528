package simcloud

import (
	"slices"
	"time"
)

// Server is a virtual machine.
type Server struct {
	Object
	Purchase
	FlavorID  string       `json:"flavor_id"`
	NewFlavor string       `json:"new_flavor,omitempty"` // while Resizing
	OldFlavor string       `json:"old_flavor,omitempty"` // while Resized
	Size      Size         `json:"size"`
	NewSize   Size         `json:"new_size,omitzero"`
	OldSize   Size         `json:"old_size,omitzero"`
	ImageID   string       `json:"image_id,omitempty"` // "" when it boots from a volume
	KeyName   string       `json:"key_name,omitempty"`
	UserData  string       `json:"user_data,omitempty"`
	PortIDs   []string     `json:"port_ids,omitempty"`
	Volumes   []Attachment `json:"volumes,omitempty"`
	Placed    bool         `json:"placed"`   // it takes capacity of its zone
	Halted    bool         `json:"halted"`   // it was Stopped when its resize began
	Launched  time.Time    `json:"launched"` // first Active
	Events    []Event      `json:"events"`   // the latest maxEvents, oldest first
}

// Event is something that began to be done to a server, named by the passing state it put it or its volume into.
type Event struct {
	What State     `json:"what"`
	At   time.Time `json:"at"`
}

// maxEvents bounds what a server remembers.
const maxEvents = 32

// Size is what a server takes.
type Size struct{ VCPU, RAMMiB, DiskGiB int64 }

// Attachment is a volume at a server.
type Attachment struct {
	ID       string `json:"id"`
	VolumeID string `json:"volume_id"`
	Device   string `json:"device"`
	Owned    bool   `json:"owned"` // it goes when the server goes
}

// Nic asks for a server's port: one that exists, or a new one on a network.
type Nic struct {
	PortID    string
	NetworkID string // "" where SubnetID is given
	SubnetID  string // "": any of the network
	Address   string // "": any
}

// Disk asks for a volume of a server at its birth: one that exists, or a new one.
type Disk struct {
	VolumeID string
	SizeGiB  int64
	Type     string
	ImageID  string // what it begins as
	Owned    bool
}

// ServerInput is what CreateServer takes. A shortage of capacity makes a Failed server when Late, as clouds do that
// place in the background; otherwise it is refused.
type ServerInput struct {
	Object   // Owner, Zone, Name, Description, Tags, Meta
	Purchase // also of the volumes it makes
	FlavorID string
	ImageID  string
	KeyName  string
	UserData string
	GroupIDs []string // of the ports it makes; none: the account's default group
	Nics     []Nic
	Disks    []Disk
	Late     bool
}

func (*Server) in(c *Cloud) *table[Server] { return c.servers }

func (s *Server) index() []string   { return []string{Of(KindFlavor, s.FlavorID)} }
func (s *Server) bought() *Purchase { return &s.Purchase }

func (s *Server) uses() []Use {
	return []Use{{MeterServerVCPU, s.FlavorID, s.Size.VCPU}, {MeterServerRAM, s.FlavorID, gib(s.Size.RAMMiB)}}
}

// takes counts a resizing server at the larger of its sizes, so that neither end of the change finds the quota gone.
func (s *Server) takes() []Take {
	return []Take{
		{ItemServers, 1},
		{ItemVCPU, max(s.Size.VCPU, s.NewSize.VCPU, s.OldSize.VCPU)},
		{ItemRAMMiB, max(s.Size.RAMMiB, s.NewSize.RAMMiB, s.OldSize.RAMMiB)},
	}
}

func (s *Server) occupies() []Take {
	if !s.Placed {
		return nil
	}
	return s.takes()[1:]
}

// begin writes down what is being done to the server.
func (s *Server) begin(via State, at time.Time) {
	s.Events = append(slices.Clone(s.Events[max(0, len(s.Events)-maxEvents+1):]), Event{via, at})
}

// CreateServer makes a server with its ports and volumes.
func (c *Cloud) CreateServer(in ServerInput) (*Server, error) {
	return within(c, func() (*Server, error) {
		f, err := c.checkServer(&in)
		if err != nil {
			return nil, err
		}
		s := &Server{
			Object: in.Object, Purchase: in.Purchase, FlavorID: in.FlavorID, ImageID: in.ImageID, KeyName: in.KeyName, UserData: in.UserData,
			Size: Size{f.VCPU, f.RAMMiB, f.DiskGiB}, Placed: true,
		}
		s.ID, s.State = newID(), Building
		if err := c.place(KindServer, in.Region, in.Zone, s.takes()[1:]...); err != nil {
			if !in.Late {
				return nil, err
			}
			s.Placed, s.Next = false, Failed
			s.Fault = "No valid host was found. There are not enough hosts available."
			return put(c, s), nil
		}
		if err := c.furnish(s, in); err != nil {
			return nil, err
		}
		return put(c, s), nil
	})
}

// checkServer finds what a new server refers to and whether the quota suffices; it fills in the zone.
func (c *Cloud) checkServer(in *ServerInput) (*Flavor, error) {
	f, err := see[Flavor](c, in.Owner, in.FlavorID)
	if err == nil && f.SoldOut {
		err = &Error{Reason: SoldOut, Kind: KindFlavor, ID: f.ID}
	}
	if err != nil {
		return nil, err
	}
	if in.ImageID != "" {
		i, err := see[Image](c, in.Owner, in.ImageID)
		if err != nil {
			return nil, err
		}
		if f.RAMMiB < i.MinRAMMiB {
			return nil, invalid(KindServer, "Flavor's memory is too small for requested image.")
		}
	}
	if in.Zone, err = c.zone(in.Region, in.Zone); err != nil {
		return nil, err
	}
	return f, c.admit(KindServer, in.Owner, Take{ItemServers, 1}, Take{ItemVCPU, f.VCPU}, Take{ItemRAMMiB, f.RAMMiB})
}

// furnish gives a new server its ports and volumes; a refusal takes back what it made.
func (c *Cloud) furnish(s *Server, in ServerInput) (err error) {
	defer func() {
		if err != nil {
			c.unfurnish(s)
		}
	}()
	for _, n := range in.Nics {
		p, err := c.plug(s, n, in.GroupIDs)
		if err != nil {
			return err
		}
		s.PortIDs = append(s.PortIDs, p.ID)
	}
	for i, d := range in.Disks {
		v, err := c.bootVolume(s, d)
		if err != nil {
			return err
		}
		a := Attachment{ID: newID(), VolumeID: v.ID, Device: device(i), Owned: d.Owned}
		s.Volumes = append(s.Volumes, a)
		edit(c, v.ID, func(v *Volume) {
			v.State, v.Next, v.Due = Active, "", time.Time{}
			v.ServerID, v.Device, v.AttachmentID, v.AttachedAt = s.ID, a.Device, a.ID, c.time()
		})
	}
	return nil
}

func (c *Cloud) plug(s *Server, n Nic, groups []string) (*Port, error) {
	if n.PortID == "" {
		in := PortInput{
			Object: Object{Owner: s.Owner}, NetworkID: n.NetworkID, Address: n.Address, GroupIDs: groups,
			DeviceID: s.ID, DeviceOwner: "compute:" + s.Zone, Owned: true,
		}
		return c.createPortIn(n.SubnetID, in)
	}
	p, err := see[Port](c, s.Owner, n.PortID)
	if err != nil {
		return nil, err
	}
	if p.DeviceID != "" {
		return nil, inUse(KindPort, p.ID, "it belongs to "+p.DeviceID)
	}
	return edit(c, p.ID, func(p *Port) { p.DeviceID, p.DeviceOwner = s.ID, "compute:"+s.Zone }), nil
}

func (c *Cloud) bootVolume(s *Server, d Disk) (*Volume, error) {
	if d.VolumeID == "" {
		return c.createVolume(VolumeInput{
			Object: Object{Owner: s.Owner, Zone: s.Zone}, Purchase: s.Purchase, SizeGiB: d.SizeGiB, Type: d.Type, ImageID: d.ImageID,
		})
	}
	v, err := see[Volume](c, s.Owner, d.VolumeID)
	if err == nil && (v.State != Active || v.ServerID != "") {
		err = busy(KindVolume, &v.Object)
	}
	return v, err
}

// unfurnish frees what a server had: its own ports and volumes go, others are let go.
func (c *Cloud) unfurnish(s *Server) {
	for _, id := range s.PortIDs {
		if p := c.ports.get(id); p != nil && p.Owned {
			drop[Port](c, id)
		} else if p != nil {
			edit(c, id, func(p *Port) { p.DeviceID, p.DeviceOwner = "", "" })
		}
	}
	for _, a := range s.Volumes {
		if v := c.volumes.get(a.VolumeID); v != nil && a.Owned {
			drop[Volume](c, v.ID)
		} else if v != nil {
			edit(c, v.ID, (*Volume).detached)
		}
	}
}

// arrive ends a passing state of a server.
func (s *Server) arrive(c *Cloud, via State) {
	switch via {
	case Building:
		edit(c, s.ID, func(s *Server) { s.Launched = c.time() })
	case Resizing:
		edit(c, s.ID, func(s *Server) {
			s.OldFlavor, s.OldSize = s.FlavorID, s.Size
			s.FlavorID, s.Size, s.NewFlavor, s.NewSize = s.NewFlavor, s.NewSize, "", Size{}
		})
	case Confirming:
		edit(c, s.ID, func(s *Server) { s.OldFlavor, s.OldSize = "", Size{} })
	case Reverting:
		edit(c, s.ID, func(s *Server) { s.FlavorID, s.Size, s.OldFlavor, s.OldSize = s.OldFlavor, s.OldSize, "", Size{} })
	}
}

// leave frees what a server had when it is gone.
func (s *Server) leave(c *Cloud) { c.unfurnish(s) }

func device(n int) string { return "/dev/vd" + string(rune('a'+n%26)) }

// freeDevice is the first device name a server does not use; /dev/vda is its system disk.
func (s *Server) freeDevice() string {
	for n := 1; ; n++ {
		if !slices.ContainsFunc(s.Volumes, func(a Attachment) bool { return a.Device == device(n) }) || n > 25 {
			return device(n)
		}
	}
}
