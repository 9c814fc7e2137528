package openstackfake

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// neutronError words an error as Neutron does.
func neutronError(r refusal) any {
	if r.kind == "" {
		r.kind = map[int]string{400: "HTTPBadRequest", 403: "PolicyNotAuthorized", 404: "HTTPNotFound", 409: "Conflict"}[r.status]
	}
	return object{"NeutronError": object{"type": r.kind, "message": neutronText(r.text), "detail": ""}}
}

// neutronText words an unknown field as Neutron does, not as the services with schemas.
func neutronText(s string) string {
	if rest, ok := strings.CutPrefix(s, "Additional properties are not allowed ("); ok {
		name, _, _ := strings.Cut(rest, " was")
		return "Unrecognized attribute(s) " + name
	}
	return s
}

// neutronKind is a kind in the two forms that Neutron uses: port, Port.
func neutronKind(k simcloud.Kind) (snake, camel string) {
	snake = map[simcloud.Kind]string{simcloud.KindFloatingIP: "floatingip"}[k]
	if snake == "" {
		snake = string(k)
	}
	for _, w := range strings.Split(snake, "_") {
		camel += strings.ToUpper(w[:1]) + w[1:]
	}
	return snake, camel
}

// neutronRefusal words what the simulated cloud refused: Neutron answers 409 to an exhausted quota, to a full subnet and to
// anything in use.
func neutronRefusal(e *simcloud.Error) refusal {
	snake, camel := neutronKind(e.Kind)
	switch e.Reason {
	case simcloud.Missing:
		if e.Detail != "" {
			return refusal{404, "ExternalGatewayForFloatingIPNotFound", e.Detail}
		}
		return refusal{404, camel + "NotFound", camel + " " + e.ID + " could not be found."}
	case simcloud.Exceeded:
		return refusal{409, "OverQuota", "Quota exceeded for resources: ['" + snake + "']."}
	case simcloud.SoldOut:
		return refusal{409, "IpAddressGenerationFailure", e.Detail}
	case simcloud.Exists:
		if e.Kind == simcloud.KindPort {
			return refusal{409, "IpAddressAlreadyAllocated", e.Detail}
		}
		return refusal{409, camel + "Exists", e.Detail}
	case simcloud.InUse, simcloud.Busy:
		return refusal{409, camel + "InUse", "Unable to complete operation on " + snake + " " + e.ID + ". " + e.Detail}
	}
	return refusal{400, "InvalidInput", "Invalid input for operation: " + e.Detail}
}

// network serves Neutron as its api-ref describes it (docs.openstack.org/api-ref/network/v2). Its catalogue URL has no
// version, as in a devstack: clients add v2.0 themselves.
func (f *Fake) network() {
	doc := func(path string) func(http.ResponseWriter, *http.Request) (int, any) {
		return func(_ http.ResponseWriter, r *http.Request) (int, any) {
			region, _ := r.Context().Value(regionKey{}).(string)
			links := []any{object{"rel": "self", "href": f.base(r, region) + "/network/v2.0/"}}
			return 200, object{path: []any{object{"id": "v2.0", "status": "CURRENT", "links": links, "name": "network", "collection": "networks"}}}
		}
	}
	f.open("GET /network/{$}", doc("versions"))
	f.open("GET /network/v2.0/{$}", doc("resources"))
	s := &service{Fake: f, prefix: "/network/v2.0", word: neutronError, translate: neutronRefusal}
	s.networks()
	s.ports()
	s.routers()
	s.floatingIPs()
	s.securityGroups()
	s.networkTags()
	s.route("GET /extensions", func(*call) (int, any, error) { return 200, object{"extensions": extensions()}, nil })
	s.route("GET /availability_zones", func(c *call) (int, any, error) {
		out := []any{}
		for _, z := range c.zones() {
			out = append(out, object{"name": z, "resource": "network", "state": "available"}, object{"name": z, "resource": "router", "state": "available"})
		}
		return 200, object{"availability_zones": out}, nil
	})
	s.route("GET /quotas/{id}", func(c *call) (int, any, error) { return networkQuota(c, false) })
	s.route("GET /quotas/{id}/details.json", func(c *call) (int, any, error) { return networkQuota(c, true) })
	s.route("GET /quotas/{id}/details", func(c *call) (int, any, error) { return networkQuota(c, true) })
}

func extensions() []any {
	var out []any
	for _, alias := range []string{
		"router", "external-net", "security-group", "quotas", "quota_details", "standard-attr-tag", "standard-attr-description",
		"standard-attr-timestamp", "standard-attr-revisions", "pagination", "sorting", "filter-validation", "project-id", "availability_zone",
	} {
		out = append(out, object{"alias": alias, "name": alias, "description": "", "updated": "2020-01-01T00:00:00-00:00", "links": []any{}})
	}
	return out
}

func networkQuota(c *call, detail bool) (int, any, error) {
	if c.id() != c.owner.Tenant {
		return 0, nil, refusal{404, "HTTPNotFound", "The resource could not be found."}
	}
	limits, used := c.sim.Quota(c.owner)
	out := object{}
	for name, item := range map[string]simcloud.Item{
		"network": simcloud.ItemNetworks, "subnet": simcloud.ItemSubnets, "port": simcloud.ItemPorts, "router": simcloud.ItemRouters,
		"security_group": simcloud.ItemGroups, "security_group_rule": simcloud.ItemRules, "floatingip": simcloud.ItemFloating,
	} {
		out[name] = limits[item]
		if detail {
			out[name] = object{"limit": limits[item], "used": used[item], "reserved": 0}
		}
	}
	return 200, object{"quota": out}, nil
}

// common are the fields that everything in Neutron has.
func common(o *simcloud.Object, more object) object {
	v := object{
		"id": o.ID, "name": o.Name, "description": o.Description, "tenant_id": o.Tenant, "project_id": o.Tenant,
		"tags": list(o.Tags), "created_at": when(o.Created, zulu), "updated_at": when(o.Updated, zulu), "revision_number": 1,
	}
	for k, x := range more {
		v[k] = x
	}
	return v
}

func networkView(c *call, n *simcloud.Network) object {
	subnets, _ := simcloud.List[simcloud.Subnet](c.sim, simcloud.Query{Where: []string{simcloud.Of(simcloud.KindNetwork, n.ID)}}, nil)
	ids := make([]string, len(subnets))
	for i, s := range subnets {
		ids[i] = s.ID
	}
	return common(&n.Object, object{
		"status": "ACTIVE", "admin_state_up": true, "shared": n.Shared && !n.External, "router:external": n.External, "subnets": ids, "mtu": 1450,
		"availability_zone_hints": []string{}, "availability_zones": c.zones(), "port_security_enabled": true, "is_default": n.External,
		"ipv4_address_scope": nil, "ipv6_address_scope": nil,
	})
}

func subnetView(_ *call, s *simcloud.Subnet) object {
	pools, version := []object{}, 4
	for _, p := range s.Pools() {
		pools = append(pools, object{"start": p.Start.String(), "end": p.End.String()})
	}
	if s.CIDR.Addr().Is6() {
		version = 6
	}
	var gateway any
	if s.Gateway.IsValid() {
		gateway = s.Gateway.String()
	}
	return common(&s.Object, object{
		"network_id": s.NetworkID, "cidr": s.CIDR.String(), "ip_version": version, "gateway_ip": gateway, "enable_dhcp": s.DHCP,
		"dns_nameservers": list(s.DNS), "allocation_pools": pools, "host_routes": []any{}, "service_types": []string{},
		"ipv6_address_mode": nil, "ipv6_ra_mode": nil, "subnetpool_id": nil,
	})
}

func (s *service) networks() {
	networks := shelf[simcloud.Network]{one: "network", many: "networks", view: networkView}
	s.route("GET /networks", browse(networks))
	s.route("GET /networks/{id}", show(networks))
	s.route("POST /networks", createNetwork)
	s.route("PUT /networks/{id}", func(c *call) (int, any, error) {
		var in struct {
			Network descriptive `json:"network"`
		}
		return describe[simcloud.Network](c, &in, &in.Network, networks)
	})
	s.route("DELETE /networks/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteNetwork(c.owner, c.id()) })
	subnets := shelf[simcloud.Subnet]{
		one: "subnet", many: "subnets", view: subnetView,
		index: map[string]func(string) string{"network_id": of(simcloud.KindNetwork)},
	}
	s.route("GET /subnets", browse(subnets))
	s.route("GET /subnets/{id}", show(subnets))
	s.route("POST /subnets", createSubnet)
	s.route("PUT /subnets/{id}", func(c *call) (int, any, error) {
		var in struct {
			Subnet struct {
				descriptive
				DNS        *[]string `json:"dns_nameservers"`
				EnableDHCP *bool     `json:"enable_dhcp"`
			} `json:"subnet"`
		}
		return describe[simcloud.Subnet](c, &in, &in.Subnet.descriptive, subnets)
	})
	s.route("DELETE /subnets/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteSubnet(c.owner, c.id()) })
}

// descriptive are the fields that can be changed of everything.
type descriptive struct {
	Name        *string `json:"name"`
	Description *string `json:"description"`
	AdminState  *bool   `json:"admin_state_up"`
}

func (d *descriptive) apply(o *simcloud.Object) {
	o.Name, o.Description = orElse(d.Name, o.Name), orElse(d.Description, o.Description)
}

// describe reads in and applies the descriptive fields d in it.
func describe[T any, P simcloud.Noun[T]](c *call, in any, d *descriptive, s shelf[T]) (int, any, error) {
	if err := c.read(in); err != nil {
		return 0, nil, err
	}
	x, err := simcloud.Edit[T, P](c.sim, c.owner, c.id(), func(x *T) error {
		if P(x).Self().Owner != c.owner {
			return refuse(403, "rule:update_%s is disallowed by policy", s.one)
		}
		d.apply(P(x).Self())
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return 200, object{s.one: s.view(c, x)}, nil
}

// born is what everything may be created with.
type born struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	TenantID    string `json:"tenant_id"`
	ProjectID   string `json:"project_id"`
	AdminState  *bool  `json:"admin_state_up"`
	Zones       []any  `json:"availability_zone_hints"`
}

// object makes it an object of the caller's project; only administrators create for others.
func (b *born) object(c *call) (simcloud.Object, error) {
	for _, id := range []string{b.TenantID, b.ProjectID} {
		if id != "" && id != c.owner.Tenant {
			return simcloud.Object{}, refuse(403, "The request is disallowed by policy: the project is another's")
		}
	}
	if len([]rune(b.Name)) > 255 || len([]rune(b.Description)) > 255 {
		return simcloud.Object{}, refusal{400, "HTTPBadRequest", "Invalid input for name. Reason: '" + b.Name + "' exceeds maximum length of 255."}
	}
	return simcloud.Object{Owner: c.owner, Name: b.Name, Description: b.Description}, nil
}

func createNetwork(c *call) (int, any, error) {
	var in struct {
		Network struct {
			born
			Shared   bool  `json:"shared"`
			External *bool `json:"router:external"`
			MTU      int   `json:"mtu"`
			Security *bool `json:"port_security_enabled"`
		} `json:"network"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.Network.Shared || orElse(in.Network.External, false) {
		return 0, nil, refuse(403, "(rule:create_network and rule:create_network:shared) is disallowed by policy")
	}
	o, err := in.Network.object(c)
	if err != nil {
		return 0, nil, err
	}
	n, err := c.sim.CreateNetwork(o)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"network": networkView(c, n)}, nil
}

type subnetRequest struct {
	born
	NetworkID string                            `json:"network_id"`
	CIDR      string                            `json:"cidr"`
	IPVersion int                               `json:"ip_version"`
	Gateway   optional                          `json:"gateway_ip"`
	DHCP      *bool                             `json:"enable_dhcp"`
	DNS       []string                          `json:"dns_nameservers"`
	Pools     []struct{ Start, End netip.Addr } `json:"allocation_pools"`
	Routes    []any                             `json:"host_routes"`
	Types     []string                          `json:"service_types"`
	PoolID    *string                           `json:"subnetpool_id"`
	RAMode    string                            `json:"ipv6_ra_mode"`
	AddrMode  string                            `json:"ipv6_address_mode"`
}

func createSubnet(c *call) (int, any, error) {
	var in struct {
		Subnet subnetRequest `json:"subnet"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	s, err := in.Subnet.subnet(c)
	if err != nil {
		return 0, nil, err
	}
	made, err := c.sim.CreateSubnet(s)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"subnet": subnetView(c, made)}, nil
}

func (r *subnetRequest) subnet(c *call) (simcloud.Subnet, error) {
	o, err := r.object(c)
	if err != nil {
		return simcloud.Subnet{}, err
	}
	cidr, err := netip.ParsePrefix(r.CIDR)
	if err != nil || r.IPVersion != 0 && (r.IPVersion == 4) != cidr.Addr().Is4() {
		return simcloud.Subnet{}, refusal{400, "HTTPBadRequest", "Invalid input for cidr. Reason: '" + r.CIDR + "' is not a valid IP subnet."}
	}
	s := simcloud.Subnet{Object: o, NetworkID: r.NetworkID, CIDR: cidr, DHCP: orElse(r.DHCP, true), DNS: r.DNS, Gateway: cidr.Masked().Addr().Next()}
	if r.Gateway.given {
		if s.Gateway, err = netip.ParseAddr(r.Gateway.value); err != nil && r.Gateway.value != "" {
			return s, refusal{400, "HTTPBadRequest", "Invalid input for gateway_ip."}
		}
	}
	for _, p := range r.Pools {
		if !cidr.Contains(p.Start) || !cidr.Contains(p.End) || p.End.Less(p.Start) {
			return s, refusal{400, "InvalidAllocationPool", "The allocation pool " + p.Start.String() + "-" + p.End.String() + " is not valid."}
		}
		s.Ranges = append(s.Ranges, simcloud.Range{Start: p.Start, End: p.End})
	}
	return s, nil
}

// optional tells a missing field from null.
type optional struct {
	given bool
	value string
}

// UnmarshalJSON is called for a field that is there, null too.
func (o *optional) UnmarshalJSON(raw []byte) error {
	o.given = true
	if s := string(raw); s != "null" {
		o.value = strings.Trim(s, `"`)
	}
	return nil
}

// networkTags serves the tags of everything Neutron has.
func (s *service) networkTags() {
	tagged[simcloud.Network](s, "networks")
	tagged[simcloud.Subnet](s, "subnets")
	tagged[simcloud.Port](s, "ports")
	tagged[simcloud.Router](s, "routers")
	tagged[simcloud.FloatingIP](s, "floatingips")
	tagged[simcloud.Group](s, "security-groups")
}

func tagged[T any, P simcloud.Noun[T]](s *service, plural string) {
	change := func(c *call, f func([]string) ([]string, error)) (*T, error) {
		return simcloud.Edit[T, P](c.sim, c.owner, c.id(), func(x *T) error {
			o := P(x).Self()
			tags, err := f(o.Tags)
			o.Tags = tags
			return err
		})
	}
	path := "/" + plural + "/{id}/tags"
	s.route("GET "+path, func(c *call) (int, any, error) {
		x, err := simcloud.Get[T, P](c.sim, c.owner, c.id())
		if err != nil {
			return 0, nil, err
		}
		return 200, object{"tags": list(P(x).Self().Tags)}, nil
	})
	s.route("PUT "+path, func(c *call) (int, any, error) {
		var in struct {
			Tags []string `json:"tags"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		_, err := change(c, func([]string) ([]string, error) { return in.Tags, checkNetworkTags(in.Tags) })
		return 200, object{"tags": list(in.Tags)}, err
	})
	s.route("DELETE "+path, func(c *call) (int, any, error) {
		_, err := change(c, func([]string) ([]string, error) { return nil, nil })
		return 204, nil, err
	})
	s.route("GET "+path+"/{tag}", func(c *call) (int, any, error) {
		x, err := simcloud.Get[T, P](c.sim, c.owner, c.id())
		if err == nil && !slices.Contains(P(x).Self().Tags, c.r.PathValue("tag")) {
			err = refusal{404, "TagNotFound", "Tag " + c.r.PathValue("tag") + " could not be found."}
		}
		return 204, nil, err
	})
	for method, with := range map[string]bool{"PUT": true, "DELETE": false} {
		s.route(method+" "+path+"/{tag}", func(c *call) (int, any, error) {
			tag := c.r.PathValue("tag")
			_, err := change(c, func(have []string) ([]string, error) {
				if !with && !slices.Contains(have, tag) {
					return nil, refusal{404, "TagNotFound", "Tag " + tag + " could not be found."}
				}
				return toggle(have, tag, with), checkNetworkTags([]string{tag})
			})
			if with {
				return 201, nil, err
			}
			return 204, nil, err
		})
	}
}

// checkNetworkTags applies Neutron's rule of the release Zed: at most 60 characters a tag.
func checkNetworkTags(tags []string) error {
	for _, t := range tags {
		if len([]rune(t)) > 60 {
			return refusal{400, "HTTPBadRequest", "Invalid input for tags. Reason: '" + t + "' exceeds maximum length of 60."}
		}
	}
	return nil
}
