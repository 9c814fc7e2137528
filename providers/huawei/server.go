package huawei

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// What a server's metadata and tags say of it.
const (
	metaImage = "duoyun_image" // portable name of the image it was booted from
	tagMark   = "duoyun_mark"
)

// classSystem is the name under which an account maps the volume type of system disks.
const classSystem = "system"

// serverKind: a security group, its rules, the server with a port and a system disk of its own.
type serverKind struct{ *Cloud }

func (s serverKind) groups() groupKind {
	return groupKind{s.Cloud, func(ctx context.Context, id string) (bool, error) {
		_, err := s.server(ctx, id)
		return err == nil, table.Ignoring(Code, err, driver.NotFound)
	}}
}

func (s serverKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: s.plan, Update: planServerChange, Renew: s.renewable,
			Delete: table.Fixed(principal("delete-server"), driver.Step{Name: "delete-security_group"})},
		Verbs: s.groups().verbs(map[string]table.Verb{
			"server":        {Run: s.create, Look: s.built(ecs, s.shelf())},
			"start":         {Run: s.power(false), Look: s.lookPower(false)},
			"stop":          {Run: s.power(true), Look: s.lookPower(true)},
			"resize":        {Run: s.resize, Look: s.lookResize},
			"renew":         {Run: s.renew, Look: s.lookRenewed},
			"delete-server": {Run: s.remove, Look: s.shelf().LookMainUnmade},
		}),
		Reading: s.observe, Listing: s.list, Parts: map[string]table.Shelf{"security_group": s.groups().shelf()},
	}
}

// plan: ECS boots what it makes, so that a server ordered off is stopped in a step of its own.
func (s serverKind) plan(c driver.Change) ([]driver.Step, error) {
	spec := c.After.(duoyun.ServerSpec)
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	steps := append(opening(spec.Ports...), principal("server"))
	if spec.Stopped {
		steps = append(steps, step("stop"))
	}
	return steps, s.subscribable(c)
}

// planServerChange resizes before it changes the power: the power state is kept through a resize.
func planServerChange(c driver.Change) ([]driver.Step, error) {
	before, after, resized, err := table.ServerChange(c)
	if err != nil {
		return nil, err
	}
	var steps []driver.Step
	if resized {
		steps = append(steps, step("resize"))
	}
	switch {
	case after.Stopped && !before.Stopped:
		steps = append(steps, step("stop"))
	case before.Stopped && !after.Stopped:
		steps = append(steps, step("start"))
	}
	return steps, nil
}

// create makes one server: on demand by v1, as a subscription by v1.1.
func (s serverKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	server, err := s.request(ctx, c)
	if err != nil {
		return driver.Reply{}, err
	}
	path := "/v1/{p}/cloudservers"
	if c.Months > 0 {
		path = "/v1.1/{p}/cloudservers"
	}
	var reply struct {
		JobID     string   `json:"job_id"`
		OrderID   string   `json:"order_id"`
		ServerIDs []string `json:"serverIds"`
	}
	id, err := s.call(ctx, operation{service: ecs, method: http.MethodPost, path: path, token: c.Token, body: map[string]any{"server": server}}, &reply)
	order := reply.OrderID
	if order == "" {
		order = reply.JobID
	}
	return made(first(reply.ServerIDs), order, id, err)
}

// request is the body of a creation; what it must ask before leaves the creation unsent.
func (s serverKind) request(ctx context.Context, c driver.Call) (map[string]any, error) {
	spec := c.After.(duoyun.ServerSpec)
	zone := s.account.Mapping.Zones[c.Zone]
	flavor, err := s.flavor(ctx, spec, zone)
	if err != nil {
		return nil, err
	}
	image, err := s.image(ctx, spec.Image)
	if err != nil {
		return nil, err
	}
	network, subnet, err := s.place(ctx, c.Change)
	if err != nil {
		return nil, err
	}
	group, err := s.groups().of(ctx, c)
	if err != nil {
		return nil, err
	}
	extend := map[string]any{"chargingMode": "postPaid"}
	s.grouped(extend)
	if err := withTerm(extend, c.Change, termNames{"chargingMode", "periodType", "periodNum", "isAutoRenew", "isAutoPay", true}); err != nil {
		return nil, err
	}
	server := map[string]any{"name": title(c.Change), "description": c.Mark, "tags": []string{tagMark + "." + c.Mark},
		"metadata": map[string]string{metaImage: spec.Image}, "imageRef": image, "flavorRef": flavor.ID, "vpcid": network.ID,
		"nics": []any{map[string]string{"subnet_id": subnet.ID}}, "security_groups": []any{map[string]string{"id": group}},
		"root_volume": map[string]any{"volumetype": s.systemType(), "size": spec.SystemDiskGiB}, "extendparam": extend}
	if zone != "" {
		server["availability_zone"] = zone
	}
	login(server, c.Secret)
	return server, nil
}

// systemType is the volume type of system disks; SSD (ultra-high I/O) is in every region.
func (c *Cloud) systemType() string {
	if t := c.account.Mapping.Classes[classSystem]; t != "" {
		return t
	}
	return "SSD"
}

// login lets the department in: by a cloud-init document with its public key, or by the administrator's password.
func login(server map[string]any, secret driver.Secret) {
	if key := table.AuthorizedKey(secret); key != nil {
		server["user_data"] = base64.StdEncoding.EncodeToString(key)
	} else if value := table.Password(secret); value != "" {
		server["adminPass"] = value
	}
}

// image finds the image that the account maps a portable name to, by id or by name.
func (c *Cloud) image(ctx context.Context, portable string) (string, error) {
	name := portable
	if mapped := c.account.Mapping.Images[portable]; mapped != "" {
		name = mapped
	}
	if duoyun.IsID(name) {
		return name, nil
	}
	var reply struct {
		Images []struct{ ID, Status string }
	}
	query := after("")
	query.Set("name", name)
	_, err := c.call(ctx, operation{service: ims, method: http.MethodGet, path: "/v2/cloudimages", query: query}, &reply)
	if err == nil && reply.Images == nil {
		err = errNoListing
	}
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	if len(reply.Images) != 1 {
		return "", table.Impossible("image", "名为 %s 的镜像有 %d 个", "%[2]d images are called %[1]s", name, len(reply.Images))
	}
	return reply.Images[0].ID, nil
}

// power reads first: a stop of what is stopped would make a job that fails.
func (s serverKind) power(stop bool) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		now, err := s.find(ctx, c)
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		if state, _ := powered(now, stop); state == driver.Done {
			return driver.Reply{}, nil
		}
		body := map[string]any{"os-start": map[string]any{"servers": []any{map[string]string{"id": now.ID}}}}
		if stop {
			body = map[string]any{"os-stop": map[string]any{"type": "SOFT", "servers": []any{map[string]string{"id": now.ID}}}}
		}
		return s.job(ctx, operation{service: ecs, method: http.MethodPost, path: "/v1/{p}/cloudservers/action", body: body})
	}
}

// job sends an operation that answers with a job.
func (c *Cloud) job(ctx context.Context, o operation) (driver.Reply, error) {
	var reply struct {
		JobID   string `json:"job_id"`
		OrderID string `json:"order_id"`
	}
	id, err := c.call(ctx, o, &reply)
	order := reply.OrderID
	if order == "" {
		order = reply.JobID
	}
	return driver.Reply{OrderID: order, RequestID: id}, err
}

// resize asks for the size of the new demand; the mode lets ECS stop a running server and start it again. A demand that
// the present size answers to is no call at all.
func (s serverKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := s.flavor(ctx, c.After.(duoyun.ServerSpec), now.Zone)
	if err != nil {
		return driver.Reply{}, err
	}
	if now.Flavor.ID == target.ID {
		return driver.Reply{}, nil
	}
	return s.job(ctx, operation{service: ecs, method: http.MethodPost, path: "/v1.1/{p}/cloudservers/" + now.ID + "/resize",
		body: map[string]any{"resize": map[string]any{"flavorRef": target.ID, "mode": "withStopServer", "extendparam": map[string]string{"isAutoPay": "true"}}}})
}

// remove takes the system disk along and leaves data disks and public IPs, which are units of their own.
func (s serverKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.find(ctx, c)
	if Code(err) == driver.NotFound {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if serverState(now) == driver.Deleting {
		return driver.Reply{}, nil
	}
	return s.release(ctx, now.ID, now.prepaid(), operation{service: ecs, method: http.MethodPost, path: "/v1/{p}/cloudservers/delete",
		body: map[string]any{"servers": []any{map[string]string{"id": now.ID}}, "delete_publicip": false, "delete_volume": false}})
}

// flavor chooses the size for a demand in a zone. What the vendor does not sell there now is sold out.
func (s serverKind) flavor(ctx context.Context, spec duoyun.ServerSpec, zone string) (driver.Flavor, error) {
	all, err := s.flavors(ctx, zone)
	if err != nil {
		return driver.Flavor{}, table.Unsent(Code, err)
	}
	demand := driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, DiskGiB: spec.SystemDiskGiB, Volume: true,
		Exact: s.account.Mapping.ExactFlavor, Families: s.account.Mapping.Families}
	return chosen(all, demand)
}

type flavorInfo struct {
	ID    string
	VCPUs string
	RAM   int64
	Specs struct {
		Status string `json:"cond:operation:status"`
		Zones  string `json:"cond:operation:az"`
		Arch   string `json:"ecs:instance_architecture"`
	} `json:"os_extra_specs"`
}

// flavors lists the server sizes; zone "" is every zone.
func (c *Cloud) flavors(ctx context.Context, zone string) ([]driver.Flavor, error) {
	found, err := everything(func(cursor string) ([]flavorInfo, string, error) {
		query := after(cursor)
		if zone != "" {
			query.Set("availability_zone", zone)
		}
		var reply struct{ Flavors []flavorInfo }
		_, err := c.call(ctx, operation{service: ecs, method: http.MethodGet, path: "/v1/{p}/cloudservers/flavors", query: query}, &reply)
		return paged(reply.Flavors, func(f flavorInfo) string { return f.ID }, err)
	})
	all := make([]driver.Flavor, len(found))
	for i, f := range found {
		all[i] = driver.Flavor{ID: f.ID, Name: f.ID, VCPU: whole64(f.VCPUs), RAMMiB: f.RAM, Arch: "x86_64", SoldOut: !f.sold(zone)}
		all[i].Family, _, _ = strings.Cut(f.ID, ".")
		if f.Specs.Arch == "arm64" {
			all[i].Arch = "aarch64"
		}
	}
	return all, err
}

// sold reports whether a size can be bought in a zone: "az1(normal),az2(sellout)" goes before the region's status, and no
// status is normal (api-ecs, ListFlavors). Without a zone, one that sells it is enough.
func (f flavorInfo) sold(zone string) bool {
	selling := func(status string) bool { return slices.Contains([]string{"", "normal", "obt", "promotion"}, status) }
	for _, entry := range strings.Split(f.Specs.Zones, ",") {
		name, status, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(entry), ")"), "(")
		switch {
		case !ok:
		case name == zone:
			return selling(status)
		case zone == "" && selling(status):
			return true
		}
	}
	return selling(f.Specs.Status)
}
