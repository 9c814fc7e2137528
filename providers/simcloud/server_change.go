package simcloud

import "slices"

// StopServer halts an Active server.
func (c *Cloud) StopServer(o Owner, id string) (*Server, error) {
	return c.turn(o, id, Stopping, Stopped, Active)
}

// StartServer starts a Stopped server.
func (c *Cloud) StartServer(o Owner, id string) (*Server, error) {
	return c.turn(o, id, Starting, Active, Stopped)
}

// RebootServer restarts a server.
func (c *Cloud) RebootServer(o Owner, id string) (*Server, error) {
	return c.turn(o, id, Restarting, Active, Active, Stopped)
}

// turn moves a server that is in one of the states from.
func (c *Cloud) turn(o Owner, id string, via, to State, from ...State) (*Server, error) {
	return within(c, func() (*Server, error) {
		s, err := c.serverIn(o, id, from...)
		if err != nil {
			return nil, err
		}
		return change[Server](c, s.ID, via, to, nil), nil
	})
}

func (c *Cloud) serverIn(o Owner, id string, states ...State) (*Server, error) {
	s, err := see[Server](c, o, id)
	if err == nil && !slices.Contains(states, s.State) {
		err = busy(KindServer, &s.Object)
	}
	return s, err
}

// ResizeServer gives an Active or Stopped server another flavor; it ends Resized and waits to be confirmed.
func (c *Cloud) ResizeServer(o Owner, id, flavorID string) (*Server, error) {
	return within(c, func() (*Server, error) {
		s, err := c.serverIn(o, id, Active, Stopped)
		if err != nil {
			return nil, err
		}
		f, err := see[Flavor](c, o, flavorID)
		if err == nil && f.SoldOut {
			err = &Error{Reason: SoldOut, Kind: KindFlavor, ID: f.ID}
		}
		if err != nil {
			return nil, err
		}
		if f.ID == s.FlavorID {
			return nil, invalid(KindServer, "When resizing, instances must change flavor!")
		}
		vcpu, ram := Take{ItemVCPU, f.VCPU - s.Size.VCPU}, Take{ItemRAMMiB, f.RAMMiB - s.Size.RAMMiB}
		if err := c.admit(KindServer, o, vcpu, ram); err != nil {
			return nil, err
		}
		if err := c.roomFor(KindServer, &s.Object, vcpu, ram); err != nil {
			return nil, err
		}
		halted := s.State == Stopped
		return change(c, id, Resizing, Resized, func(s *Server) {
			s.NewFlavor, s.NewSize, s.Halted = f.ID, Size{f.VCPU, f.RAMMiB, f.DiskGiB}, halted
		}), nil
	})
}

// roomFor checks the zone of something placed for more; the stock counts what is new only.
func (c *Cloud) roomFor(kind Kind, o *Object, more ...Take) error {
	if _, limited := c.stock[kind]; limited {
		return nil
	}
	return c.place(kind, o.Region, o.Zone, more...)
}

// ConfirmResize makes a Resized server's new flavor final.
func (c *Cloud) ConfirmResize(o Owner, id string) (*Server, error) {
	return c.endResize(o, id, Confirming)
}

// RevertResize gives a Resized server its old flavor back.
func (c *Cloud) RevertResize(o Owner, id string) (*Server, error) {
	return c.endResize(o, id, Reverting)
}

func (c *Cloud) endResize(o Owner, id string, via State) (*Server, error) {
	return within(c, func() (*Server, error) {
		s, err := c.serverIn(o, id, Resized)
		if err != nil {
			return nil, err
		}
		to := Active
		if s.Halted {
			to = Stopped
		}
		return change[Server](c, id, via, to, nil), nil
	})
}

// DeleteServer removes a server in any state, with the ports and volumes that are its own.
func (c *Cloud) DeleteServer(o Owner, id string) (*Server, error) {
	return within(c, func() (*Server, error) {
		s, err := see[Server](c, o, id)
		if err != nil {
			return nil, err
		}
		return vanish(c, s), nil
	})
}

// FailServer puts a server into the state Failed, as when its host died.
func (c *Cloud) FailServer(id, fault string) error {
	_, err := Edit(c, Owner{}, id, func(s *Server) error {
		s.State, s.Next, s.Fault = Failed, "", fault
		return nil
	})
	return err
}

// AttachVolume gives a server a volume of its account; device "" is the next free one.
func (c *Cloud) AttachVolume(o Owner, serverID, volumeID, device string, owned bool) (Attachment, error) {
	var a Attachment
	_, err := within(c, func() (*Server, error) {
		s, err := c.serverIn(o, serverID, Active, Stopped, Resized)
		if err != nil {
			return nil, err
		}
		v, err := see[Volume](c, o, volumeID)
		if err != nil {
			return nil, err
		}
		if v.ServerID != "" || v.State != Active {
			return nil, inUse(KindVolume, v.ID, string(v.State))
		}
		if device == "" {
			device = s.freeDevice()
		}
		a = Attachment{ID: newID(), VolumeID: v.ID, Device: device, Owned: owned}
		change(c, v.ID, Attaching, Active, func(v *Volume) {
			v.ServerID, v.Device, v.AttachmentID, v.AttachedAt = s.ID, device, a.ID, c.time()
		})
		return edit(c, s.ID, func(s *Server) {
			s.Volumes = append(slices.Clone(s.Volumes), a)
			s.begin(Attaching, c.time())
		}), nil
	})
	return a, err
}

// DetachVolume takes a volume from its server.
func (c *Cloud) DetachVolume(o Owner, serverID, volumeID string) error {
	_, err := within(c, func() (*Volume, error) {
		if _, err := see[Server](c, o, serverID); err != nil {
			return nil, err
		}
		v, err := see[Volume](c, o, volumeID)
		if err != nil {
			return nil, err
		}
		if v.ServerID != serverID {
			return nil, missing(KindVolume, volumeID)
		}
		if v.State != Active {
			return nil, busy(KindVolume, &v.Object)
		}
		edit(c, serverID, func(s *Server) { s.begin(Detaching, c.time()) })
		return change[Volume](c, v.ID, Detaching, Active, nil), nil
	})
	return err
}

// AttachPort gives a server a port more: one that exists, or a new one on a network.
func (c *Cloud) AttachPort(o Owner, serverID string, n Nic) (*Port, error) {
	return within(c, func() (*Port, error) {
		s, err := c.serverIn(o, serverID, Active, Stopped)
		if err != nil {
			return nil, err
		}
		p, err := c.plug(s, n, nil)
		if err == nil {
			edit(c, s.ID, func(s *Server) { s.PortIDs = append(slices.Clone(s.PortIDs), p.ID) })
		}
		return p, err
	})
}

// DetachPort takes a port from its server; one the server made goes.
func (c *Cloud) DetachPort(o Owner, serverID, portID string) error {
	_, err := within(c, func() (*Server, error) {
		s, err := see[Server](c, o, serverID)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(s.PortIDs, portID) {
			return nil, missing(KindPort, portID)
		}
		c.unfurnish(&Server{PortIDs: []string{portID}})
		return edit(c, s.ID, func(s *Server) { s.PortIDs = without(s.PortIDs, portID) }), nil
	})
	return err
}

// without returns a copy of l that lacks x.
func without(l []string, x string) []string {
	return slices.DeleteFunc(slices.Clone(l), func(s string) bool { return s == x })
}
