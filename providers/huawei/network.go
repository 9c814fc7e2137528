package huawei

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a VPC with one subnet of its whole range.
type networkKind struct{ *Cloud }

type vpcInfo struct {
	ID, Name, Description, CIDR, Status string
	CreatedAt                           string `json:"created_at"`
}

type subnetInfo struct {
	ID, Name, Description, CIDR, Status string
	VpcID                               string `json:"vpc_id"`
	Neutron                             string `json:"neutron_subnet_id"` // what load balancers call a subnet
}

func (n networkKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: func(c driver.Change) ([]driver.Step, error) {
			_, err := gateway(c.After.(duoyun.NetworkSpec).CIDR)
			return []driver.Step{principal("vpc"), step("subnet")}, err
		}, Delete: table.Fixed(step("delete-subnet"), principal("delete-vpc"))},
		Verbs: map[string]table.Verb{
			"vpc":           {Run: n.makeVPC, Look: n.vpcs().LookMainMade},
			"subnet":        {Run: n.makeSubnet, Look: n.subnets().LookMade("subnet")},
			"delete-subnet": {Run: n.deleteSubnet, Look: n.subnets().LookUnmade("subnet")},
			"delete-vpc":    {Run: n.deleteVPC, Look: n.vpcs().LookMainUnmade},
		},
		Reading: n.observe, Listing: n.list, Parts: map[string]table.Shelf{"subnet": n.subnets()},
	}
}

// gateway is the first address of a range, which a subnet must name.
func gateway(cidr string) (string, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil || !p.Addr().Is4() || p.Bits() > 28 {
		return "", table.Impossible("spec.cidr", "网段须为 IPv4，掩码不长于 28", "the CIDR must be IPv4 with a mask of at most 28")
	}
	return p.Masked().Addr().Next().String(), nil
}

func (n networkKind) makeVPC(ctx context.Context, c driver.Call) (driver.Reply, error) {
	body := map[string]any{"name": title(c.Change), "description": c.Mark, "cidr": c.After.(duoyun.NetworkSpec).CIDR}
	n.grouped(body)
	var reply struct{ VPC vpcInfo }
	id, err := n.call(ctx, operation{service: vpc, method: http.MethodPost, path: "/v1/{p}/vpcs", body: map[string]any{"vpc": body}}, &reply)
	return made(reply.VPC.ID, "", id, err)
}

// grouped books what is bought on the account's enterprise project.
func (c *Cloud) grouped(body map[string]any) {
	if c.account.ResourceGroup != "" {
		body["enterprise_project_id"] = c.account.ResourceGroup
	}
}

func (n networkKind) makeSubnet(ctx context.Context, c driver.Call) (driver.Reply, error) {
	parent, err := n.vpcs().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if parent == "" {
		return driver.Reply{}, table.Missing("vpc")
	}
	cidr := c.After.(duoyun.NetworkSpec).CIDR
	first, err := gateway(cidr)
	if err != nil {
		return driver.Reply{}, err
	}
	var reply struct{ Subnet subnetInfo }
	id, err := n.call(ctx, operation{service: vpc, method: http.MethodPost, path: "/v1/{p}/subnets", body: map[string]any{"subnet": map[string]any{
		"name": title(c.Change), "description": table.Note(c.Mark, "subnet"), "cidr": cidr, "gateway_ip": first, "vpc_id": parent}}}, &reply)
	return made(reply.Subnet.ID, "", id, overlapping(err))
}

// overlapping: a subnet is refused whose range the VPC has already: the VPC is this unit's alone.
func overlapping(err error) error {
	if err != nil && Code(err) == driver.Invalid && strings.Contains(strings.ToLower(err.Error()), "overlap") {
		return table.Refuse(driver.InDoubt, err)
	}
	return twice(err)
}

func (n networkKind) deleteSubnet(ctx context.Context, c driver.Call) (driver.Reply, error) {
	all, err := n.found(ctx, c)
	if err != nil || len(all) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return gone(n.call(ctx, operation{service: vpc, method: http.MethodDelete,
		path: "/v1/{p}/vpcs/" + all[0].VpcID + "/subnets/" + all[0].ID}, nil))
}

// found is the subnet of a call, by its id or its note; its path names its VPC as well.
func (n networkKind) found(ctx context.Context, c driver.Call) ([]subnetInfo, error) {
	id, err := n.subnets().ID(ctx, c.Parts["subnet"], table.Note(c.Mark, "subnet"))
	if err != nil || id == "" {
		return nil, err
	}
	s, err := n.subnet(ctx, id)
	if err != nil {
		return nil, table.Ignoring(Code, err, driver.NotFound)
	}
	return []subnetInfo{s}, nil
}

// deleteVPC is refused with 409 (NotReady) while anything is left in it.
func (n networkKind) deleteVPC(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.vpcs().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return gone(n.call(ctx, operation{service: vpc, method: http.MethodDelete, path: "/v1/{p}/vpcs/" + id}, nil))
}

// vpcState: a VPC is CREATING, then OK; subnets are UNKNOWN until they hang on their VPC, then ACTIVE.
func vpcState(status string) driver.ObservedState {
	switch status {
	case "CREATING", "PENDING", "UNKNOWN":
		return driver.Building
	case "ERROR":
		return driver.Errored
	}
	return driver.Active
}

func vpcThing(v vpcInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: vpcState(v.Status), Detail: v.Status}
}

func (n networkKind) vpcs() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := n.vpc(ctx, id)
			return vpcThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := n.page(ctx, cursor)
			return table.Things(all, vpcThing), next, false, err
		},
	}
}

func (n networkKind) vpc(ctx context.Context, id string) (vpcInfo, error) {
	var reply struct{ VPC vpcInfo }
	_, err := n.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/vpcs/" + id}, &reply)
	return whole(reply.VPC, reply.VPC.ID, err)
}

// whole refuses an answer that does not hold the thing that was asked for.
func whole[T any](v T, id string, err error) (T, error) {
	if err == nil && id == "" {
		err = errNoObject
	}
	return v, err
}

func (n networkKind) page(ctx context.Context, cursor string) ([]vpcInfo, string, error) {
	var reply struct{ Vpcs []vpcInfo }
	_, err := n.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/vpcs", query: n.ours(cursor)}, &reply)
	return paged(reply.Vpcs, func(v vpcInfo) string { return v.ID }, err)
}

func (n networkKind) subnets() table.Shelf {
	view := func(s subnetInfo) table.Thing {
		return table.Thing{ID: s.ID, Note: s.Description, State: vpcState(s.Status), Detail: s.Status}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			s, err := n.subnet(ctx, id)
			return view(s), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := n.subnetsOf(ctx, cursor, "")
			return table.Things(all, view), next, false, err
		},
		Vouch: n.vouch,
	}
}

// vouch proves a listing of parts by the network they belong to.
func (n networkKind) vouch(ctx context.Context, id string) (bool, error) {
	_, err := n.vpc(ctx, id)
	return err == nil, table.Ignoring(Code, err, driver.NotFound)
}

func (c *Cloud) subnet(ctx context.Context, id string) (subnetInfo, error) {
	var reply struct{ Subnet subnetInfo }
	_, err := c.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/subnets/" + id}, &reply)
	return whole(reply.Subnet, reply.Subnet.ID, err)
}

// subnetsOf pages over the subnets of a VPC; "" is every VPC.
func (c *Cloud) subnetsOf(ctx context.Context, cursor, parent string) ([]subnetInfo, string, error) {
	query := after(cursor)
	if parent != "" {
		query.Set("vpc_id", parent)
	}
	var reply struct{ Subnets []subnetInfo }
	_, err := c.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/subnets", query: query}, &reply)
	return paged(reply.Subnets, func(s subnetInfo) string { return s.ID }, err)
}

// place is the VPC and the subnet that a unit is made in. What comes before a mutation leaves it unsent.
func (c *Cloud) place(ctx context.Context, ch driver.Change) (driver.Link, subnetInfo, error) {
	network, err := table.PlatformNetwork(ch)
	if err != nil {
		return network, subnetInfo{}, err
	}
	if id := network.Parts["subnet"]; id != "" {
		s, err := c.subnet(ctx, id)
		return network, s, table.Unsent(Code, err)
	}
	all, err := everything(func(cursor string) ([]subnetInfo, string, error) { return c.subnetsOf(ctx, cursor, network.ID) })
	if err != nil {
		return network, subnetInfo{}, table.Unsent(Code, err)
	}
	if len(all) != 1 {
		return network, subnetInfo{}, table.Impossible("network", "平台网络有 %d 个子网，应为 1 个", "the platform network has %d subnets, want one", len(all))
	}
	return network, all[0], nil
}

// observe reads the range from the VPC, whose one subnet has all of it.
func (n networkKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := n.vpc(ctx, id)
	return observedVPC(v), err
}

func observedVPC(v vpcInfo) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: vpcState(v.Status),
		Spec: duoyun.NetworkSpec{CIDR: v.CIDR}, CreatedAt: moment(v.CreatedAt), Raw: raw(map[string]any{"status": v.Status, "cidr": v.CIDR})}
}

func (n networkKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := n.page(ctx, cursor)
	return observations(all, observedVPC, next, false, err)
}

// observations makes a page of a listing.
func observations[T any](all []T, view func(T) driver.Observation, next string, partial bool, err error) (driver.Page, error) {
	if err != nil {
		return driver.Page{}, err
	}
	p := driver.Page{Next: next, Partial: partial, Items: make([]driver.Observation, len(all))}
	for i, v := range all {
		p.Items[i] = view(v)
	}
	return p, nil
}

// groupKind are the security groups of servers and databases, with a rule for each port.
type groupKind struct {
	*Cloud
	vouch func(context.Context, string) (bool, error) // proves a listing of groups by the unit it belongs to
}

type groupInfo struct {
	ID, Name, Description string
	Rules                 []ruleInfo `json:"security_group_rules"`
}

type ruleInfo struct {
	ID, Description, Direction, Protocol, Multiport, Action string
}

// verbs are the steps of a group: "security_group", "rule:443", "delete-security_group".
func (g groupKind) verbs(into map[string]table.Verb) map[string]table.Verb {
	into["security_group"] = table.Verb{Run: g.make, Look: g.shelf().LookMade("security_group")}
	into["rule"] = table.Verb{Run: g.open, Look: g.lookOpen}
	into["delete-security_group"] = table.Verb{Run: g.remove, Look: g.shelf().LookUnmade("security_group")}
	return into
}

// opening is the plan of a group and its rules.
func opening(ports ...int) []driver.Step {
	return append([]driver.Step{{Name: "security_group"}}, table.Rules(ports)...)
}

func (g groupKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	body := map[string]any{"name": c.Mark, "description": table.Note(c.Mark, "security_group")}
	g.grouped(body)
	var reply struct {
		Group groupInfo `json:"security_group"`
	}
	id, err := g.call(ctx, operation{service: vpc, method: http.MethodPost, path: "/v3/{p}/vpc/security-groups",
		body: map[string]any{"security_group": body}}, &reply)
	return made(reply.Group.ID, "", id, err)
}

// open lets one TCP port in. A rule that is there already is refused with 409.
func (g groupKind) open(ctx context.Context, c driver.Call) (driver.Reply, error) {
	port, group, err := g.target(ctx, c)
	if err != nil {
		return driver.Reply{}, err
	}
	var reply struct {
		Rule ruleInfo `json:"security_group_rule"`
	}
	id, err := g.call(ctx, operation{service: vpc, method: http.MethodPost, path: "/v3/{p}/vpc/security-group-rules",
		body: map[string]any{"security_group_rule": map[string]any{"security_group_id": group, "direction": "ingress", "ethertype": "IPv4",
			"protocol": "tcp", "multiport": strconv.Itoa(port), "remote_ip_prefix": "0.0.0.0/0", "description": table.Note(c.Mark, c.Step)}}}, &reply)
	return made(reply.Rule.ID, "", id, twice(err))
}

// target reads the port of a step "rule:443" and the group it belongs to.
func (g groupKind) target(ctx context.Context, c driver.Call) (port int, group string, err error) {
	_, number, _ := strings.Cut(c.Step, ":")
	if port, err = strconv.Atoi(number); err != nil {
		return 0, "", table.Impossible("step", "步骤 %q 没有端口", "step %q has no port", c.Step)
	}
	group, err = g.of(ctx, c)
	return port, group, err
}

// of is the id of a unit's group.
func (g groupKind) of(ctx context.Context, c driver.Call) (string, error) {
	id, err := g.shelf().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	if id == "" {
		return "", table.Missing("security_group")
	}
	return id, nil
}

// lookOpen reads the rules of the group: its own record is whole.
func (g groupKind) lookOpen(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	port, group, err := g.target(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	all, err := g.rules(ctx, group)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		i := slices.IndexFunc(all, func(r ruleInfo) bool { return opens(r) == port })
		if i < 0 {
			return driver.Absent, "", ""
		}
		return driver.Done, all[i].ID, ""
	})
}

// opens returns the one TCP port a rule lets in, or 0.
func opens(r ruleInfo) int {
	port, err := strconv.Atoi(r.Multiport)
	if err != nil || r.Direction != "ingress" || r.Protocol != "tcp" || r.Action == "deny" {
		return 0
	}
	return port
}

func (c *Cloud) rules(ctx context.Context, group string) ([]ruleInfo, error) {
	var reply struct {
		Group groupInfo `json:"security_group"`
	}
	_, err := c.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v3/{p}/vpc/security-groups/" + group}, &reply)
	if err == nil && reply.Group.Rules == nil {
		err = errNoListing
	}
	return reply.Group.Rules, err
}

// remove is refused with 409 (NotReady) while a port has the group.
func (g groupKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := g.shelf().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return gone(g.call(ctx, operation{service: vpc, method: http.MethodDelete, path: "/v3/{p}/vpc/security-groups/" + id}, nil))
}

func (g groupKind) shelf() table.Shelf {
	view := func(v groupInfo) table.Thing {
		return table.Thing{ID: v.ID, Note: v.Description, State: driver.Active}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			var reply struct {
				Group groupInfo `json:"security_group"`
			}
			_, err := g.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v3/{p}/vpc/security-groups/" + id}, &reply)
			v, err := whole(reply.Group, reply.Group.ID, err)
			return view(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			var reply struct {
				Groups []groupInfo `json:"security_groups"`
			}
			_, err := g.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v3/{p}/vpc/security-groups", query: g.ours(cursor)}, &reply)
			all, next, err := paged(reply.Groups, func(v groupInfo) string { return v.ID }, err)
			return table.Things(all, view), next, false, err
		},
		Vouch: g.vouch,
	}
}

// mapped is the availability zone of a network zone, or the first that is open: volumes, load balancers, databases and
// caches must name one.
func (c *Cloud) mapped(ctx context.Context, zone string) (string, error) {
	if name := c.account.Mapping.Zones[zone]; name != "" {
		return name, nil
	}
	open, err := c.zones(ctx)
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	if len(open) == 0 {
		return "", table.Refuse(driver.SoldOut, duoyun.Fail(duoyun.CodeInvalid, "zone", "没有可用区开放", "no availability zone is open"))
	}
	return open[0], nil
}

// zones are the availability zones that are open, in order.
func (c *Cloud) zones(ctx context.Context) ([]string, error) {
	var reply struct {
		Zones []struct {
			Name  string                   `json:"zoneName"`
			State struct{ Available bool } `json:"zoneState"`
		} `json:"availabilityZoneInfo"`
	}
	_, err := c.call(ctx, operation{service: ecs, method: http.MethodGet, path: "/v2.1/{p}/os-availability-zone", query: url.Values{}}, &reply)
	if err == nil && reply.Zones == nil {
		err = errNoListing
	}
	var open []string
	for _, z := range reply.Zones {
		if z.State.Available {
			open = append(open, z.Name)
		}
	}
	slices.Sort(open)
	return open, err
}
