package simcloud

import "cmp"

// Database is a managed relational database.
type Database struct {
	Object
	Purchase
	Endpoint
	Engine  string       `json:"engine"`
	Version string       `json:"version"`
	Size    DatabaseSize `json:"size"`
	NewSize DatabaseSize `json:"new_size,omitzero"` // while Resizing
	Standby bool         `json:"standby,omitempty"` // a second node
	Users   []string     `json:"users,omitempty"`   // logins, without their passwords
}

// DatabaseSize is what each node of a database takes.
type DatabaseSize struct {
	Class      string `json:"class"` // the vendor's name of the size
	VCPU       int64  `json:"vcpu"`
	RAMMiB     int64  `json:"ram_mib"`
	StorageGiB int64  `json:"storage_gib"`
}

// Endpoint is where something that is managed is reached.
type Endpoint struct {
	NetworkID string   `json:"network_id"`
	SubnetID  string   `json:"subnet_id"`
	GroupIDs  []string `json:"group_ids,omitempty"` // of its port
	PortID    string   `json:"port_id"`
	Address   string   `json:"address"`
	Port      int      `json:"port"` // TCP
}

// DatabaseInput is what CreateDatabase takes; of the endpoint a subnet or network, and, where they matter, address, groups
// and port, are given. Users as in Database.
type DatabaseInput struct {
	Object
	Purchase
	Endpoint
	Engine, Version string
	Size            DatabaseSize
	Standby         bool
	Users           []string
}

func (*Database) in(c *Cloud) *table[Database] { return c.databases }

func (d *Database) takes() []Take { return []Take{{ItemDatabases, 1}} }
func (d *Database) index() []string {
	return []string{Addressed(d.Address), Of(KindSubnet, d.SubnetID)}
}
func (d *Database) bought() *Purchase { return &d.Purchase }

// occupies counts a resizing database at the larger of its sizes.
func (d *Database) occupies() []Take {
	n := nodes(d.Standby)
	return []Take{{ItemVCPU, n * max(d.Size.VCPU, d.NewSize.VCPU)}, {ItemRAMMiB, n * max(d.Size.RAMMiB, d.NewSize.RAMMiB)},
		{ItemDiskGiB, n * max(d.Size.StorageGiB, d.NewSize.StorageGiB)}}
}

func (d *Database) uses() []Use {
	n := nodes(d.Standby)
	return []Use{{MeterDatabaseVCPU, d.Engine, n * d.Size.VCPU}, {MeterDatabaseRAM, d.Engine, n * gib(d.Size.RAMMiB)},
		{MeterDatabaseStorage, d.Engine, n * d.Size.StorageGiB}}
}

func nodes(standby bool) int64 {
	if standby {
		return 2
	}
	return 1
}

// CreateDatabase makes a database with its port.
func (c *Cloud) CreateDatabase(in DatabaseInput) (*Database, error) {
	return within(c, func() (d *Database, err error) {
		if in.Engine == "" || in.Size.VCPU < 1 || in.Size.RAMMiB < 1 || in.Size.StorageGiB < 1 {
			return nil, invalid(KindDatabase, "a database has an engine, processors, memory and storage")
		}
		d = &Database{Object: in.Object, Purchase: in.Purchase, Endpoint: in.Endpoint, Engine: in.Engine, Version: in.Version,
			Size: in.Size, Standby: in.Standby, Users: in.Users}
		d.ID, d.State = newID(), Building
		if err := c.furnishEndpoint(KindDatabase, &d.Object, &d.Endpoint, d); err != nil {
			return nil, err
		}
		return put(c, d), nil
	})
}

// furnishEndpoint checks quota, zone and capacity for something managed and makes its port.
func (c *Cloud) furnishEndpoint(kind Kind, o *Object, e *Endpoint, n noun) (err error) {
	if o.Zone, err = c.zone(o.Region, o.Zone); err != nil {
		return err
	}
	if err := c.admit(kind, o.Owner, n.takes()...); err != nil {
		return err
	}
	in := PortInput{Object: Object{Owner: o.Owner}, NetworkID: e.NetworkID, Address: e.Address, DeviceID: o.ID, DeviceOwner: string(kind),
		GroupIDs: e.GroupIDs, Open: len(e.GroupIDs) == 0, Owned: true}
	p, err := c.createPortIn(e.SubnetID, in)
	if err != nil {
		return err
	}
	if err := c.place(kind, o.Region, o.Zone, n.occupies()...); err != nil {
		drop[Port](c, p.ID)
		return err
	}
	e.PortID, e.NetworkID = p.ID, p.NetworkID
	if len(p.Fixed) > 0 {
		e.SubnetID, e.Address = p.Fixed[0].SubnetID, p.Fixed[0].Address
	}
	return nil
}

// ResizeDatabase gives an Active database another size; fields that are zero stay as they are. Storage only grows.
func (c *Cloud) ResizeDatabase(o Owner, id string, to DatabaseSize) (*Database, error) {
	return within(c, func() (*Database, error) {
		d, err := own[Database](c, o, id)
		if err == nil && d.State != Active {
			err = busy(KindDatabase, &d.Object)
		}
		if err != nil {
			return nil, err
		}
		to = DatabaseSize{cmp.Or(to.Class, d.Size.Class), cmp.Or(to.VCPU, d.Size.VCPU), cmp.Or(to.RAMMiB, d.Size.RAMMiB),
			cmp.Or(to.StorageGiB, d.Size.StorageGiB)}
		if to == d.Size || to.StorageGiB < d.Size.StorageGiB {
			return nil, invalid(KindDatabase, "storage only grows, and something must change: %+v", to)
		}
		n := nodes(d.Standby)
		if err := c.roomFor(KindDatabase, &d.Object, Take{ItemVCPU, n * (to.VCPU - d.Size.VCPU)},
			Take{ItemRAMMiB, n * (to.RAMMiB - d.Size.RAMMiB)}, Take{ItemDiskGiB, n * (to.StorageGiB - d.Size.StorageGiB)}); err != nil {
			return nil, err
		}
		return change(c, id, Resizing, Active, func(d *Database) { d.NewSize = to }), nil
	})
}

// DeleteDatabase removes a database that is Active or Failed, and its port.
func (c *Cloud) DeleteDatabase(o Owner, id string) (*Database, error) {
	return within(c, func() (*Database, error) { return retire[Database](c, o, id) })
}

// retire begins the removal of something managed that is at rest.
func retire[T any, P Noun[T]](c *Cloud, o Owner, id string) (*T, error) {
	obj, err := own[T, P](c, o, id)
	if err != nil {
		return nil, err
	}
	if s := P(obj).Self().State; s != Active && s != Failed && s != Deleting {
		return nil, busy(P(nil).in(c).kind, P(obj).Self())
	}
	return vanish[T, P](c, obj), nil
}

func (d *Database) arrive(c *Cloud, via State) {
	if via == Resizing {
		edit(c, d.ID, func(d *Database) { d.Size, d.NewSize = d.NewSize, DatabaseSize{} })
	}
}

// leave takes a database's port along.
func (d *Database) leave(c *Cloud) { drop[Port](c, d.PortID) }
