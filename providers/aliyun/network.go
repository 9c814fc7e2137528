package aliyun

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a VPC with one vSwitch over its whole range, in the zone of the line.
type networkKind struct{ *Cloud }

func (n networkKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planNetwork, Delete: table.Fixed(driver.Step{Name: "delete-vswitch", Await: true},
			driver.Step{Name: "delete-network", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"network":        {Run: n.makeVPC, Look: n.vpcs().shelf().LookMainMade, Token: true},
			"vswitch":        {Run: n.makeVSwitch, Look: n.vswitches().shelf().LookMade("vswitch"), Token: true},
			"delete-vswitch": {Run: n.vswitches().removal("vswitch", "DeleteVSwitch", "VSwitchId"), Look: n.vswitches().shelf().LookUnmade("vswitch")},
			"delete-network": {Run: n.vpcs().removal("", "DeleteVpc", "VpcId"), Look: n.vpcs().shelf().LookMainUnmade},
		},
		Reading: n.vpcs().observing(vpcItem.observed), Listing: n.vpcs().listed(vpcItem.observed), Parts: map[string]table.Shelf{"vswitch": n.vswitches().shelf()},
	}
}

func planNetwork(c driver.Change) ([]driver.Step, error) {
	if c.After.(duoyun.NetworkSpec).CIDR == "" {
		return nil, table.Impossible("spec.cidr", "网络没有网段", "the network has no CIDR")
	}
	return []driver.Step{{Name: "network", Main: true, Await: true}, {Name: "vswitch", Await: true}}, nil
}

// vpcItem is a VPC as DescribeVpcs shows it.
type vpcItem struct {
	ID           string `json:"VpcId"`
	Name         string `json:"VpcName"`
	CIDR         string `json:"CidrBlock"`
	Description  string
	Status       string
	CreationTime string
}

func (v vpcItem) key() string { return v.ID }

func (v vpcItem) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: netState(v.Status), Detail: v.Status}
}

// netState: VPCs and vSwitches are Pending, then Available.
func netState(status string) driver.ObservedState {
	if status == "Pending" {
		return driver.Building
	}
	return driver.Active
}

func (v vpcItem) observed() driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: netState(v.Status), Spec: duoyun.NetworkSpec{CIDR: v.CIDR},
		CreatedAt: when(v.CreationTime), Raw: raw(v)}
}

// vswitch is a subnet, which lies in one zone.
type vswitch struct {
	ID          string `json:"VSwitchId"`
	VpcID       string `json:"VpcId"`
	ZoneID      string `json:"ZoneId"`
	CIDR        string `json:"CidrBlock"`
	Description string
	Status      string
}

func (v vswitch) key() string { return v.ID }

func (v vswitch) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: netState(v.Status), Detail: v.Status}
}

func (c *Cloud) vpcs() listing[vpcItem] {
	return listing[vpcItem]{cloud: c, product: vpc, action: "DescribeVpcs", outer: "Vpcs", inner: "Vpc", id: "VpcId"}
}

func (c *Cloud) vswitches() listing[vswitch] {
	return listing[vswitch]{cloud: c, product: vpc, action: "DescribeVSwitches", outer: "VSwitches", inner: "VSwitch", id: "VSwitchId",
		vouch: c.vpcs().exists}
}

func (n networkKind) makeVPC(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return n.create(ctx, vpc, "CreateVpc", params{"CidrBlock": c.After.(duoyun.NetworkSpec).CIDR, "VpcName": named(c.Change),
		"Description": c.Mark, "ClientToken": c.Token}, func(m made) string { return m.VpcID })
}

func (n networkKind) makeVSwitch(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.vpcs().shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if id == "" {
		return driver.Reply{}, table.Missing("network")
	}
	zone, err := n.zone(ctx, c.Zone)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return n.create(ctx, vpc, "CreateVSwitch", params{"VpcId": id, "ZoneId": zone, "CidrBlock": c.After.(duoyun.NetworkSpec).CIDR,
		"VSwitchName": named(c.Change), "Description": table.Note(c.Mark, "vswitch"), "ClientToken": c.Token},
		func(m made) string { return m.VSwitchID })
}

// longestName is in bytes what every product takes as a name for people: 80 characters for the narrowest.
const longestName = 80

// named is the name people see at the vendor, in the letters that every product takes: it begins with one, Chinese or Latin,
// and goes on with letters, digits, and . _ - (CreateVpc, RunInstances, AllocateEipAddress).
func named(c driver.Change) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, table.Title(c, longestName))
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) {
		name = "dy-" + name
	}
	return name
}

// zone is the availability zone of a network zone: the account's mapping, or the first of the region.
func (c *Cloud) zone(ctx context.Context, name string) (string, error) {
	if mapped := c.account.Mapping.Zones[name]; mapped != "" {
		return mapped, nil
	}
	all, _, err := c.zones(ctx)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", table.Impossible("zone", "地域 %s 没有可用区", "region %s has no availability zone", c.account.Region)
	}
	return all[0], nil
}

// zones are the region's availability zones in the order of their names, and the disk categories that any of them has.
func (c *Cloud) zones(ctx context.Context) (zones, categories []string, err error) {
	var answer struct {
		Zones struct {
			Zone []struct {
				ID         string `json:"ZoneId"`
				Categories struct {
					Category []string `json:"DiskCategories"`
				} `json:"AvailableDiskCategories"`
			}
		}
	}
	if _, err := c.call(ctx, ecs, "DescribeZones", nil, &answer); err != nil {
		return nil, nil, err
	}
	if answer.Zones.Zone == nil {
		return nil, nil, errHollow
	}
	for _, z := range answer.Zones.Zone {
		zones, categories = append(zones, z.ID), append(categories, z.Categories.Category...)
	}
	slices.Sort(zones)
	return zones, categories, nil
}

// subnetOf is the vSwitch of a platform network that a unit is put on.
func (c *Cloud) subnetOf(ctx context.Context, change driver.Change) (vswitch, error) {
	network, err := table.PlatformNetwork(change)
	if err != nil {
		return vswitch{}, err
	}
	l := c.vswitches()
	if id := network.Parts["vswitch"]; id != "" {
		v, err := l.get(ctx, id)
		return v, table.Unsent(Code, err)
	}
	l.more = params{"VpcId": network.ID}
	all, err := l.every(ctx)
	if err != nil {
		return vswitch{}, table.Unsent(Code, err)
	}
	if len(all) == 0 {
		return vswitch{}, table.Missing("vswitch")
	}
	return slices.MinFunc(all, func(a, b vswitch) int { return cmp.Compare(a.ID, b.ID) }), nil
}
