package simcloud

// Cache is a managed in-memory store.
type Cache struct {
	Object
	Purchase
	Endpoint
	Version string    `json:"version"`
	Size    CacheSize `json:"size"`
	NewSize CacheSize `json:"new_size,omitzero"` // while Resizing
	Standby bool      `json:"standby,omitempty"` // a replica
}

// CacheSize is what each node of a cache takes.
type CacheSize struct {
	Class  string `json:"class"` // the vendor's name of the size
	RAMMiB int64  `json:"ram_mib"`
}

// CacheInput is what CreateCache takes, the endpoint as in DatabaseInput.
type CacheInput struct {
	Object
	Purchase
	Endpoint
	Version string
	Size    CacheSize
	Standby bool
}

func (*Cache) in(c *Cloud) *table[Cache] { return c.caches }

func (x *Cache) takes() []Take     { return []Take{{ItemCaches, 1}} }
func (x *Cache) index() []string   { return []string{Addressed(x.Address), Of(KindSubnet, x.SubnetID)} }
func (x *Cache) bought() *Purchase { return &x.Purchase }
func (x *Cache) uses() []Use {
	return []Use{{MeterCache, "", nodes(x.Standby) * gib(x.Size.RAMMiB)}}
}

// occupies counts a resizing cache at the larger of its sizes.
func (x *Cache) occupies() []Take {
	return []Take{{ItemRAMMiB, nodes(x.Standby) * max(x.Size.RAMMiB, x.NewSize.RAMMiB)}}
}

// CreateCache makes a cache with its port.
func (c *Cloud) CreateCache(in CacheInput) (*Cache, error) {
	return within(c, func() (*Cache, error) {
		if in.Size.RAMMiB < 1 {
			return nil, invalid(KindCache, "a cache has memory")
		}
		x := &Cache{Object: in.Object, Purchase: in.Purchase, Endpoint: in.Endpoint, Version: in.Version, Size: in.Size, Standby: in.Standby}
		x.ID, x.State = newID(), Building
		if err := c.furnishEndpoint(KindCache, &x.Object, &x.Endpoint, x); err != nil {
			return nil, err
		}
		return put(c, x), nil
	})
}

// ResizeCache gives an Active cache another size.
func (c *Cloud) ResizeCache(o Owner, id string, to CacheSize) (*Cache, error) {
	return within(c, func() (*Cache, error) {
		x, err := own[Cache](c, o, id)
		if err == nil && x.State != Active {
			err = busy(KindCache, &x.Object)
		}
		if err != nil {
			return nil, err
		}
		if to.RAMMiB < 1 || to == x.Size {
			return nil, invalid(KindCache, "something must change: %+v", to)
		}
		if err := c.roomFor(KindCache, &x.Object, Take{ItemRAMMiB, nodes(x.Standby) * (to.RAMMiB - x.Size.RAMMiB)}); err != nil {
			return nil, err
		}
		return change(c, id, Resizing, Active, func(x *Cache) { x.NewSize = to }), nil
	})
}

// DeleteCache removes a cache that is Active or Failed, and its port.
func (c *Cloud) DeleteCache(o Owner, id string) (*Cache, error) {
	return within(c, func() (*Cache, error) { return retire[Cache](c, o, id) })
}

func (x *Cache) arrive(c *Cloud, via State) {
	if via == Resizing {
		edit(c, x.ID, func(x *Cache) { x.Size, x.NewSize = x.NewSize, CacheSize{} })
	}
}

// leave takes a cache's port along.
func (x *Cache) leave(c *Cloud) { drop[Port](c, x.PortID) }
