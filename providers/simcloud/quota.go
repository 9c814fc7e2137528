package simcloud

import "maps"

// Item is something an account's quota or a zone's capacity counts.
type Item string

// The items. Kinds without more to count are counted by their number.
const (
	ItemServers    Item = "servers"
	ItemVCPU       Item = "vcpu"
	ItemRAMMiB     Item = "ram_mib"
	ItemKeyPairs   Item = "key_pairs"
	ItemVolumes    Item = "volumes"
	ItemDiskGiB    Item = "disk_gib"
	ItemNetworks   Item = "networks"
	ItemSubnets    Item = "subnets"
	ItemPorts      Item = "ports"
	ItemRouters    Item = "routers"
	ItemGroups     Item = "security_groups"
	ItemRules      Item = "security_group_rules"
	ItemFloating   Item = "floating_ips"
	ItemBalancers  Item = "load_balancers"
	ItemListeners  Item = "listeners"
	ItemPools      Item = "pools"
	ItemMembers    Item = "members"
	ItemMonitors   Item = "health_monitors"
	ItemBuckets    Item = "buckets"
	ItemBucketByte Item = "bucket_bytes"
	ItemDatabases  Item = "databases"
	ItemCaches     Item = "caches"
)

// Take is a quantity of an item.
type Take struct {
	Item Item
	N    int64
}

// DefaultQuota is every account's limit unless Options say otherwise; -1 is unlimited.
func DefaultQuota() map[Item]int64 {
	return map[Item]int64{
		ItemServers: 10_000, ItemVCPU: 100_000, ItemRAMMiB: 400 << 20, ItemKeyPairs: 1_000,
		ItemVolumes: 20_000, ItemDiskGiB: 10 << 20,
		ItemNetworks: 1_000, ItemSubnets: 1_000, ItemPorts: 50_000, ItemRouters: 500,
		ItemGroups: 10_000, ItemRules: 100_000, ItemFloating: 1_000,
		ItemBalancers: 1_000, ItemListeners: 5_000, ItemPools: 5_000, ItemMembers: 50_000, ItemMonitors: 5_000,
		ItemBuckets: 100_000, ItemBucketByte: -1, ItemDatabases: 1_000, ItemCaches: 1_000,
	}
}

// Quota gives an account's limits and what it uses of them.
func (c *Cloud) Quota(o Owner) (limits, used map[Item]int64) {
	c.locked(func() { limits, used = merged(c.quota, c.quotas[o]), maps.Clone(c.used[o]) })
	if used == nil {
		used = map[Item]int64{}
	}
	return limits, used
}

// SetQuota sets limits of one account; below zero is unlimited.
func (c *Cloud) SetQuota(o Owner, limits map[Item]int64) {
	c.locked(func() {
		c.quotas[o] = merged(c.quotas[o], limits)
		c.journal.quota(o, c.quotas[o])
	})
}

// SetCapacity sets what every zone holds of ItemVCPU, ItemRAMMiB and ItemDiskGiB; what is running stays.
func (c *Cloud) SetCapacity(capacity map[Item]int64) { c.locked(func() { c.capacity = capacity }) }

// SellOut lets the cloud make n more of a kind and then no more, as if its zones were full; Restock ends it.
func (c *Cloud) SellOut(kind Kind, n int) { c.locked(func() { c.stock[kind] = n }) }

// Restock lets the cloud make a kind again.
func (c *Cloud) Restock(kind Kind) { c.locked(func() { delete(c.stock, kind) }) }

// admit checks an account's quota for more.
func (c *Cloud) admit(kind Kind, o Owner, more ...Take) error {
	for _, t := range more {
		limit, ok := c.quotas[o][t.Item]
		if !ok {
			limit, ok = c.quota[t.Item]
		}
		used := c.used[o][t.Item]
		if ok && limit >= 0 && t.N > 0 && used+t.N > limit {
			return &Error{Reason: Exceeded, Kind: kind, Item: t.Item, Asked: t.N, Used: used, Limit: limit}
		}
	}
	return nil
}

// place checks a zone's capacity and the stock of a kind, and takes one from the stock.
func (c *Cloud) place(kind Kind, region, zone string, more ...Take) error {
	for _, t := range more {
		limit, ok := c.capacity[t.Item]
		if used := c.occupied[Owner{region, zone}][t.Item]; ok && used+t.N > limit {
			return &Error{Reason: SoldOut, Kind: kind, Item: t.Item, Asked: t.N, Used: used, Limit: limit}
		}
	}
	left, limited := c.stock[kind]
	if !limited {
		return nil
	}
	if left <= 0 {
		return &Error{Reason: SoldOut, Kind: kind}
	}
	c.stock[kind] = left - 1
	return nil
}

// count books what an object uses, or with sign -1 gives it back.
func (c *Cloud) count(n noun, sign int64) {
	o := n.Self()
	book(c.used, o.Owner, n.takes(), sign)
	book(c.occupied, Owner{o.Region, o.Zone}, n.occupies(), sign)
}

func book(books map[Owner]map[Item]int64, o Owner, takes []Take, sign int64) {
	if len(takes) == 0 {
		return
	}
	b := books[o]
	if b == nil {
		b = map[Item]int64{}
		books[o] = b
	}
	for _, t := range takes {
		b[t.Item] += sign * t.N
	}
}
