package simcloud

import (
	"fmt"
	"net/netip"
)

// Flavor is a size of server.
type Flavor struct {
	Object
	VCPU    int64  `json:"vcpu"`
	RAMMiB  int64  `json:"ram_mib"`
	DiskGiB int64  `json:"disk_gib"` // of the local system disk; 0: the image's own size
	Family  string `json:"family,omitempty"`
	Arch    string `json:"arch,omitempty"`
	SoldOut bool   `json:"sold_out,omitempty"` // no server can be made of it now
}

// Image is what a server's system disk begins as.
type Image struct {
	Object
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	SizeBytes  int64  `json:"size_bytes"`
	MinDiskGiB int64  `json:"min_disk_gib"`
	MinRAMMiB  int64  `json:"min_ram_mib"`
}

// VolumeType is a class of volume.
type VolumeType struct{ Object }

// KeyPair is a public key that servers can be made with.
type KeyPair struct {
	Object
	PublicKey string `json:"public_key"`
}

func (*Flavor) in(c *Cloud) *table[Flavor]         { return c.flavors }
func (*Image) in(c *Cloud) *table[Image]           { return c.images }
func (*VolumeType) in(c *Cloud) *table[VolumeType] { return c.volumeTypes }
func (*KeyPair) in(c *Cloud) *table[KeyPair]       { return c.keyPairs }

func (k *KeyPair) takes() []Take { return []Take{{ItemKeyPairs, 1}} }

// AddFlavor puts a flavor into the catalogue of every region.
func (c *Cloud) AddFlavor(f Flavor) *Flavor { return public(c, KindFlavor, &f) }

// AddImage puts an image into the catalogue of every region.
func (c *Cloud) AddImage(i Image) *Image { return public(c, KindImage, &i) }

// AddVolumeType puts a volume type into the catalogue of every region.
func (c *Cloud) AddVolumeType(v VolumeType) *VolumeType { return public(c, KindVolumeType, &v) }

func public[T any, P Noun[T]](c *Cloud, kind Kind, obj *T) *T {
	c.locked(func() {
		o := P(obj).Self()
		o.Shared = true
		if o.ID == "" {
			o.ID = fixedID(c.name + "/" + string(kind) + "/" + o.Name)
		}
		put[T, P](c, obj)
	})
	return obj
}

// CreateKeyPair keeps a public key under a name that its account has not used yet.
func (c *Cloud) CreateKeyPair(o Owner, name, publicKey string) (*KeyPair, error) {
	return within(c, func() (*KeyPair, error) {
		if found, _ := c.keyPairs.list(Query{Owner: o, Where: []string{Named(name)}, Limit: 1}, nil, c.time()); len(found) > 0 {
			return nil, &Error{Reason: Exists, Kind: KindKeyPair, ID: name}
		}
		if err := c.admit(KindKeyPair, o, Take{ItemKeyPairs, 1}); err != nil {
			return nil, err
		}
		return put(c, &KeyPair{Object: Object{Owner: o, Name: name}, PublicKey: publicKey}), nil
	})
}

// DeleteKeyPair forgets a key.
func (c *Cloud) DeleteKeyPair(o Owner, id string) error {
	_, err := within(c, func() (*KeyPair, error) {
		k, err := see[KeyPair](c, o, id)
		if err == nil {
			drop[KeyPair](c, id)
		}
		return k, err
	})
	return err
}

// seed fills the catalogue with what a government cloud of this country usually offers.
func (c *Cloud) seed() {
	for vcpu := int64(1); vcpu <= 64; vcpu *= 2 {
		for _, per := range []int64{1, 2, 4, 8} {
			if ram := vcpu * per; ram <= 256 {
				c.AddFlavor(Flavor{Object: Object{Name: fmt.Sprintf("s%d.%dc%dg", per, vcpu, ram)}, VCPU: vcpu, RAMMiB: ram << 10, DiskGiB: 40,
					Family: fmt.Sprintf("s%d", per), Arch: "x86_64"})
			}
		}
	}
	for _, i := range []struct{ name, os string }{
		{"kylin-v10", "kylin"}, {"uos-20", "uos"}, {"openeuler-22.03", "openeuler"},
		{"ubuntu-22.04", "ubuntu"}, {"debian-12", "debian"}, {"centos-7.9", "centos"}, {"windows-2022", "windows"},
	} {
		c.AddImage(Image{Object: Object{Name: i.name}, OS: i.os, Arch: "x86_64", SizeBytes: 2 << 30, MinDiskGiB: 20, MinRAMMiB: 512})
	}
	for _, name := range []string{"standard", "ssd"} {
		c.AddVolumeType(VolumeType{Object{Name: name}})
	}
	for i, r := range c.regions {
		c.seedExternal(r.Name, netip.PrefixFrom(netip.AddrFrom4([4]byte{198, byte(18 + i%2), byte(i / 2 * 16), 0}), 20))
	}
}

// seedExternal makes a region's external network, in the range that RFC 2544 sets apart for tests.
func (c *Cloud) seedExternal(region string, cidr netip.Prefix) {
	vendor := Object{Owner: Owner{Region: region}, Shared: true}
	c.locked(func() {
		n, s := vendor, vendor
		n.ID, n.Name = fixedID(c.name+"/external/"+region), "external"
		s.ID, s.Name = fixedID(c.name+"/external-subnet/"+region), "external-v4"
		put(c, &Network{Object: n, External: true})
		put(c, &Subnet{Object: s, NetworkID: n.ID, CIDR: cidr, Gateway: cidr.Addr().Next(), External: true})
	})
}
