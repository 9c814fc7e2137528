package huawei

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// cacheKind is a DCS instance of Redis, single or with a standby. Redis 4.0 and later are guarded by an access list of
// their own, not by a security group (api-dcs, CreateInstance).
type cacheKind struct{ *Cloud }

type cacheInfo struct {
	ID          string `json:"instance_id"`
	Description string
	Name        string
	Status      string
	IP          string
	Capacity    int64
	Version     string   `json:"engine_version"`
	Code        string   `json:"spec_code"`
	VpcID       string   `json:"vpc_id"`
	Charging    int      `json:"charging_mode"`
	CreatedAt   string   `json:"created_at"`
	Zones       []string `json:"az_codes"`
}

// standby: the size's code tells it, such as redis.ha.xu1.large.r2.2.
func (v cacheInfo) standby() bool { return strings.Contains(v.Code, ".ha.") }

func (k cacheKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: k.plan, Update: planCacheChange, Renew: k.renewable, Delete: table.Fixed(principal("delete-cache"))},
		Verbs: map[string]table.Verb{
			"cache":        {Run: k.create, Look: k.built(bss, k.shelf())},
			"resize":       {Run: k.resize, Look: k.lookResize},
			"renew":        {Run: k.renew, Look: k.lookRenewed},
			"delete-cache": {Run: k.remove, Look: k.shelf().LookMainUnmade},
		},
		Reading: k.observe, Listing: k.list,
	}
}

func (k cacheKind) plan(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	return []driver.Step{principal("cache")}, k.subscribable(c)
}

func planCacheChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.CacheSpec), c.After.(duoyun.CacheSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Version != after.Version || before.Standby != after.Standby:
		return nil, table.Impossible("spec", "云缓存只能改内存", "only memory_gib of a cache can be changed")
	}
	return []driver.Step{step("resize")}, nil
}

func (k cacheKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.CacheSpec)
	network, subnet, err := k.place(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	zone, err := k.mapped(ctx, c.Zone)
	if err != nil {
		return driver.Reply{}, err
	}
	code, err := k.size(ctx, spec, zone)
	if err != nil {
		return driver.Reply{}, err
	}
	zones := []string{zone}
	if spec.Standby {
		zones = append(zones, zone)
	}
	body := map[string]any{"name": c.Mark, "description": c.Mark, "engine": "Redis", "engine_version": spec.Version, "capacity": spec.MemoryGiB,
		"spec_code": code, "az_codes": zones, "vpc_id": network.ID, "subnet_id": subnet.ID, "password": c.Secret.Reveal(),
		"tags": []any{map[string]string{"key": tagMark, "value": c.Mark}}}
	k.grouped(body)
	if c.Months > 0 {
		terms := map[string]any{}
		if err := withTerm(terms, c.Change, termNames{"charging_mode", "period_type", "period_num", "is_auto_renew", "is_auto_pay", true}); err != nil {
			return driver.Reply{}, err
		}
		body["bss_param"] = terms
	}
	var reply struct {
		OrderID   string `json:"order_id"`
		Instances []struct {
			ID string `json:"instance_id"`
		}
	}
	id, err := k.call(ctx, operation{service: dcs, method: http.MethodPost, path: "/v2/{p}/instances", body: body}, &reply)
	if len(reply.Instances) == 0 {
		return made("", reply.OrderID, id, err)
	}
	return made(reply.Instances[0].ID, reply.OrderID, id, err)
}

// size is the code of the size with this memory that the zone has; the first by name, so that every replica chooses alike.
func (k cacheKind) size(ctx context.Context, spec duoyun.CacheSpec, zone string) (string, error) {
	mode, capacity := map[bool]string{false: "single", true: "ha"}[spec.Standby], strconv.FormatInt(spec.MemoryGiB, 10)
	var reply struct {
		Flavors []struct {
			Code  string `json:"spec_code"`
			Zones []struct {
				Capacity string
				Codes    []string `json:"az_codes"`
			} `json:"flavors_available_zones"`
		}
	}
	_, err := k.call(ctx, operation{service: dcs, method: http.MethodGet, path: "/v2/{p}/flavors",
		query: url.Values{"engine": {"Redis"}, "engine_version": {spec.Version}, "cache_mode": {mode}, "capacity": {capacity}}}, &reply)
	if err == nil && reply.Flavors == nil {
		err = errNoListing
	}
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	var fit []string
	for _, f := range reply.Flavors {
		for _, z := range f.Zones {
			if z.Capacity == capacity && slices.Contains(z.Codes, zone) {
				fit = append(fit, f.Code)
			}
		}
	}
	switch {
	case len(fit) > 0:
		return slices.Min(fit), nil
	case len(reply.Flavors) > 0:
		return "", table.Refuse(driver.SoldOut, duoyun.Fail(duoyun.CodeInvalid, "spec", "云上此规格已售罄", "the cloud has sold out this size"))
	}
	return "", table.Impossible("spec", "云上没有 %d GiB 的 Redis %s", "the cloud has no Redis %[2]s of %[1]d GiB", spec.MemoryGiB, spec.Version)
}

func (k cacheKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.CacheSpec)
	now, err := k.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if now.Capacity == spec.MemoryGiB {
		return driver.Reply{}, nil
	}
	code, err := k.size(ctx, spec, first(now.Zones))
	if err != nil {
		return driver.Reply{}, err
	}
	body := map[string]any{"spec_code": code, "new_capacity": spec.MemoryGiB}
	if now.Charging == 1 {
		body["bss_param"] = map[string]string{"is_auto_pay": "true"}
	}
	id, err := k.call(ctx, operation{service: dcs, method: http.MethodPost, path: "/v2/{p}/instances/" + now.ID + "/resize", body: body}, nil)
	return driver.Reply{RequestID: id}, err
}

func (k cacheKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := k.find(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.CacheSpec)
		switch {
		case now.Status == "ERROR":
			return driver.Broken, now.ID, now.Status
		case now.Status != "RUNNING":
			return driver.Pending, now.ID, now.Status
		case now.Capacity == c.After.(duoyun.CacheSpec).MemoryGiB:
			return driver.Done, now.ID, ""
		case now.Capacity == before.MemoryGiB:
			return driver.Absent, now.ID, ""
		}
		return driver.Conflict, now.ID, now.Code
	})
}

func (k cacheKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := k.find(ctx, c)
	if Code(err) == driver.NotFound || err == nil && cacheState(now.Status) == driver.Deleting {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return k.release(ctx, now.ID, now.Charging == 1, operation{service: dcs, method: http.MethodDelete, path: "/v2/{p}/instances/" + now.ID})
}

// find reads the instance of a call; none is an error with code NotFound.
func (k cacheKind) find(ctx context.Context, c driver.Call) (cacheInfo, error) {
	id, err := k.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return cacheInfo{}, err
	}
	if id == "" {
		return cacheInfo{}, table.Missing("cache")
	}
	return k.cache(ctx, id)
}

func (k cacheKind) cache(ctx context.Context, id string) (cacheInfo, error) {
	var reply cacheInfo
	_, err := k.call(ctx, operation{service: dcs, method: http.MethodGet, path: "/v2/{p}/instances/" + id}, &reply)
	return whole(reply, reply.ID, err)
}

// page asks for what failed to be created as well.
func (k cacheKind) page(ctx context.Context, cursor string) ([]cacheInfo, string, bool, error) {
	return overlapped(cursor, func(v cacheInfo) string { return v.ID }, func(offset int) ([]cacheInfo, error) {
		var reply struct{ Instances []cacheInfo }
		_, err := k.call(ctx, operation{service: dcs, method: http.MethodGet, path: "/v2/{p}/instances",
			query: url.Values{"offset": {strconv.Itoa(offset)}, "limit": {pageSize}, "include_failure": {"true"}}}, &reply)
		return reply.Instances, err
	})
}

func cacheThing(v cacheInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: cacheState(v.Status), Detail: v.Status}
}

func (k cacheKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := k.cache(ctx, id)
			return cacheThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := k.page(ctx, cursor)
			return table.Things(all, cacheThing), next, partial, err
		},
	}
}

// cacheState follows the states of api-dcs dcs-api-0312047; those of a busy instance are of one that is there.
func cacheState(status string) driver.ObservedState {
	switch status {
	case "CREATING":
		return driver.Building
	case "CREATEFAILED", "ERROR":
		return driver.Errored
	case "CLOSED":
		return driver.Stopped
	case "DELETING", "DELETED":
		return driver.Deleting
	}
	return driver.Active
}

func (k cacheKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := k.cache(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return k.subscribed(ctx, observedCache(v), v.Charging == 1)
}

func observedCache(v cacheInfo) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: cacheState(v.Status), Addresses: address(v.IP),
		CreatedAt: moment(v.CreatedAt), Links: map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}},
		Spec: duoyun.CacheSpec{Version: v.Version, MemoryGiB: v.Capacity, Standby: v.standby()},
		Raw:  raw(map[string]any{"status": v.Status, "spec_code": v.Code, "charging_mode": v.Charging})}
}

func (k cacheKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := k.page(ctx, cursor)
	return observations(all, observedCache, next, partial, err)
}
