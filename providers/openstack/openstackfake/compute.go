package openstackfake

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// maxNova is the newest compute microversion, that of the release Zed.
const maxNova = 93

// novaError words an error as Nova and Cinder do: {"badRequest": {"code": 400, "message": …}}.
func novaError(r refusal) any {
	name, ok := map[int]string{
		400: "badRequest", 403: "forbidden", 404: "itemNotFound", 409: "conflictingRequest", 413: "overLimit",
	}[r.status]
	if !ok {
		name = "computeFault"
	}
	body := object{"code": r.status, "message": r.text}
	if r.status == http.StatusRequestEntityTooLarge {
		body["retryAfter"] = "0"
	}
	return object{name: body}
}

// novaRefusal words what the simulated cloud refused: Nova answers 403 to an exhausted quota and 409 to a wrong state, and
// its sold-out is no refusal at all but a server in ERROR (see simcloud.ServerInput.Late).
func novaRefusal(e *simcloud.Error) refusal {
	switch e.Reason {
	case simcloud.Missing:
		return refuse(404, "%s %s could not be found.", novaNoun(e.Kind), e.ID)
	case simcloud.Exceeded:
		item := map[simcloud.Item]string{
			simcloud.ItemServers: "instances", simcloud.ItemVCPU: "cores", simcloud.ItemRAMMiB: "ram",
		}[e.Item]
		if item == "" {
			return refuse(403, "Quota exceeded for %s", e.Item)
		}
		return refuse(403, "Quota exceeded for %s: Requested %d, but already used %d of %d %s", item, e.Asked, e.Used, e.Limit, item)
	case simcloud.Busy:
		return refuse(409, "Cannot perform the action on %s %s while it is in state %s", e.Kind, e.ID, e.State)
	case simcloud.Exists:
		return refuse(409, "%s", e.Detail)
	case simcloud.InUse:
		return badRequest("%s %s is in use: %s", novaNoun(e.Kind), e.ID, e.Detail)
	case simcloud.SoldOut:
		return badRequest("%s", e.Detail)
	}
	return badRequest("%s", e.Detail)
}

func novaNoun(k simcloud.Kind) string {
	if k == simcloud.KindServer {
		return "Instance"
	}
	s := strings.ReplaceAll(string(k), "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// compute serves Nova as its api-ref describes it (docs.openstack.org/api-ref/compute); what a microversion adds is marked
// with its number where it is read or shown.
func (f *Fake) compute() {
	f.open("GET /compute/{$}", func(_ http.ResponseWriter, r *http.Request) (int, any) {
		return 200, object{"versions": []any{f.novaVersion(r)}}
	})
	version := func(_ http.ResponseWriter, r *http.Request) (int, any) {
		return 200, object{"version": f.novaVersion(r)}
	}
	f.open("GET /compute/v2.1", version)
	f.open("GET /compute/v2.1/{$}", version)
	s := &service{
		Fake: f, prefix: "/compute/v2.1", word: novaError, translate: novaRefusal,
		version: microversions("compute", "X-Openstack-Nova-Api-Version", 2, 1, maxNova),
		stamp:   stampVersion("compute 2.", "X-OpenStack-Nova-API-Version"),
	}
	s.route("POST /servers", createServer)
	s.route("GET /servers", func(c *call) (int, any, error) { return listServers(c, briefServer) })
	s.route("GET /servers/detail", func(c *call) (int, any, error) { return listServers(c, serverView) })
	s.route("GET /servers/{id}", showServer)
	s.route("PUT /servers/{id}", updateServer)
	s.route("DELETE /servers/{id}", deleteServer)
	s.route("POST /servers/{id}/action", actOnServer)
	s.route("GET /servers/{id}/os-instance-actions", listActions)
	s.route("GET /servers/{id}/os-instance-actions/{request}", showAction)
	s.computeParts()
	s.computeCatalogue()
	s.computeQuota()
}

// stampVersion tells in the answer which microversion was served.
func stampVersion(prefix, older string) func(http.Header, *http.Request, int) {
	return func(h http.Header, _ *http.Request, minor int) {
		v := prefix + itoa(minor)
		h.Set("OpenStack-API-Version", v)
		h.Set("Vary", "OpenStack-API-Version, "+older)
		if older != "" {
			h.Set(older, v[strings.Index(v, " ")+1:])
		}
	}
}

func (f *Fake) novaVersion(r *http.Request) object {
	region, _ := r.Context().Value(regionKey{}).(string)
	return object{
		"id": "v2.1", "status": "CURRENT", "version": "2." + itoa(maxNova), "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
		"links": []any{object{"rel": "self", "href": f.base(r, region) + "/compute/v2.1/"}},
	}
}

// novaState is a server's state in Nova's three words: status, vm_state, task_state. Nova keeps the old status while a task
// runs: a server that is stopping, or being deleted, is still ACTIVE, and one whose resize is being confirmed still waits
// for that in status and task_state; only its instance actions tell.
func novaState(s *simcloud.Server) (status, vm string, task any) {
	switch s.State {
	case simcloud.Building:
		return "BUILD", "building", "spawning"
	case simcloud.Stopping:
		return "ACTIVE", "active", "powering-off"
	case simcloud.Stopped:
		return "SHUTOFF", "stopped", nil
	case simcloud.Starting:
		return "SHUTOFF", "stopped", "powering-on"
	case simcloud.Restarting:
		return "REBOOT", "active", "rebooting"
	case simcloud.Resizing:
		return "RESIZE", "active", "resize_migrating"
	case simcloud.Resized, simcloud.Confirming:
		return "VERIFY_RESIZE", "resized", nil
	case simcloud.Reverting:
		return "REVERT_RESIZE", "resized", "resize_reverting"
	case simcloud.Failed:
		return "ERROR", "error", nil
	case simcloud.Deleting:
		switch {
		case s.Fault != "":
			return "ERROR", "error", "deleting"
		case s.Launched.IsZero():
			return "BUILD", "building", "deleting"
		}
		return "ACTIVE", "active", "deleting"
	}
	return "ACTIVE", "active", nil
}

func briefServer(c *call, s *simcloud.Server) any {
	return object{"id": s.ID, "name": s.Name, "links": c.links("servers", s.ID)}
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

func (c *call) links(plural, id string) []any {
	base := c.base(c.r, c.owner.Region)
	return []any{
		link{"self", base + c.prefix + "/" + plural + "/" + id},
		link{"bookmark", base + strings.TrimSuffix(c.prefix, "/v2.1") + "/" + plural + "/" + id},
	}
}

// serverDoc is a server as Nova shows it. It is a struct since listings of many thousands are made of it.
type serverDoc struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Fault     any               `json:"fault,omitempty"`
	TenantID  string            `json:"tenant_id"`
	UserID    string            `json:"user_id"`
	Metadata  map[string]string `json:"metadata"`
	HostID    string            `json:"hostId"`
	Image     any               `json:"image"` // "" for a server that boots from a volume
	Flavor    any               `json:"flavor"`
	Created   any               `json:"created"`
	Updated   any               `json:"updated"`
	Addresses any               `json:"addresses"`
	AccessV4  string            `json:"accessIPv4"`
	AccessV6  string            `json:"accessIPv6"`
	Links     any               `json:"links"`
	DiskConf  string            `json:"OS-DCF:diskConfig"`
	Progress  int               `json:"progress"`
	Zone      string            `json:"OS-EXT-AZ:availability_zone"`
	ConfDrive string            `json:"config_drive"`
	KeyName   any               `json:"key_name"`
	Launched  any               `json:"OS-SRV-USG:launched_at"`
	Ended     any               `json:"OS-SRV-USG:terminated_at"`
	Groups    []any             `json:"security_groups,omitempty"`
	Task      any               `json:"OS-EXT-STS:task_state"`
	VM        string            `json:"OS-EXT-STS:vm_state"`
	Power     int               `json:"OS-EXT-STS:power_state"`
	Volumes   []any             `json:"os-extended-volumes:volumes_attached"`
	Locked    *bool             `json:"locked,omitempty"`      // since 2.9
	Text      **string          `json:"description,omitempty"` // since 2.19; may be null
	Tags      *[]string         `json:"tags,omitempty"`        // since 2.26
	InGroups  *[]string         `json:"server_groups,omitempty"`
}

func serverView(c *call, s *simcloud.Server) any {
	status, vm, task := novaState(s)
	v := serverDoc{
		ID: s.ID, Name: s.Name, Status: status, TenantID: s.Tenant, UserID: c.userID(), Metadata: dict(s.Meta),
		HostID: s.Zone, Image: c.imageOf(s), Flavor: c.flavorOf(s), Created: when(s.Created, zulu), Updated: when(s.Updated, zulu),
		Addresses: c.addresses(s), Links: c.links("servers", s.ID), DiskConf: "MANUAL", Zone: s.Zone, KeyName: orNull(s.KeyName),
		Launched: when(s.Launched, micros), Groups: c.groupNames(s), Task: task, VM: vm, Power: powerState(vm), Volumes: attachedVolumes(c, s),
	}
	if status == "ERROR" {
		v.Fault = object{"code": 500, "message": s.Fault, "created": when(s.Updated, zulu)}
	}
	if c.minor >= 9 {
		v.Locked = new(bool)
	}
	if c.minor >= 19 {
		var text *string
		if s.Description != "" {
			text = &s.Description
		}
		v.Text = &text
	}
	if c.minor >= 26 {
		tags := list(s.Tags)
		v.Tags = &tags
	}
	if c.minor >= 71 {
		v.InGroups = &[]string{}
	}
	return v
}

// powerState is Nova's number: 1 running, 4 shut down, 0 none.
func powerState(vm string) int {
	switch vm {
	case "active", "resized":
		return 1
	case "stopped":
		return 4
	}
	return 0
}

func (c *call) userID() string { return nameID("user", c.grant.login.Domain, c.grant.login.User) }

func attachedVolumes(c *call, s *simcloud.Server) []any {
	out := []any{}
	for _, a := range s.Volumes {
		v := object{"id": a.VolumeID}
		if c.minor >= 3 {
			v["delete_on_termination"] = a.Owned
		}
		out = append(out, v)
	}
	return out
}

// imageOf is "" for a server that boots from a volume.
func (c *call) imageOf(s *simcloud.Server) any {
	if s.ImageID == "" {
		return ""
	}
	return c.once("image/"+s.ImageID, func() any { return object{"id": s.ImageID, "links": c.links("images", s.ImageID)[1:]} })
}

func (c *call) flavorOf(s *simcloud.Server) any {
	return c.once("flavor/"+s.FlavorID, func() any {
		if c.minor < 47 {
			return object{"id": s.FlavorID, "links": c.links("flavors", s.FlavorID)[1:]}
		}
		v := object{"vcpus": s.Size.VCPU, "ram": s.Size.RAMMiB, "disk": s.Size.DiskGiB, "swap": 0, "ephemeral": 0, "extra_specs": object{}}
		if f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, s.FlavorID); err == nil {
			v["original_name"] = f.Name
		}
		return v
	})
}

// once makes what many servers of one listing share, in JSON, and keeps it for the rest of the call.
func (c *call) once(key string, make func() any) any {
	if raw, ok := c.made[key]; ok {
		return raw
	}
	raw, err := json.Marshal(make())
	if err != nil {
		return nil
	}
	if c.made == nil {
		c.made = map[string]json.RawMessage{}
	}
	c.made[key] = raw
	return c.made[key]
}

// addresses are a server's, by the names of its networks; Nova knows them once it has built the server.
func (c *call) addresses(s *simcloud.Server) any {
	out := map[string][]any{}
	if s.State == simcloud.Building || s.State == simcloud.Failed && s.Launched.IsZero() {
		return out
	}
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, simcloud.Owner{}, id)
		if err != nil {
			continue
		}
		n, err := simcloud.Get[simcloud.Network](c.sim, simcloud.Owner{}, p.NetworkID)
		if err != nil {
			continue
		}
		for _, a := range p.Fixed {
			out[n.Name] = append(out[n.Name], address(p, a.Address, "fixed"))
		}
		floating, _ := simcloud.List[simcloud.FloatingIP](c.sim, simcloud.Query{Where: []string{simcloud.Of(simcloud.KindPort, id)}}, nil)
		for _, f := range floating {
			out[n.Name] = append(out[n.Name], address(p, f.Address, "floating"))
		}
	}
	return out
}

func address(p *simcloud.Port, addr, kind string) object {
	version := 4
	if strings.Contains(addr, ":") {
		version = 6
	}
	return object{"addr": addr, "version": version, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": p.MAC}
}

func (c *call) groupNames(s *simcloud.Server) []any {
	var out []any
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, simcloud.Owner{}, id)
		if err != nil {
			continue
		}
		for _, g := range p.GroupIDs {
			if group, err := simcloud.Get[simcloud.Group](c.sim, c.owner, g); err == nil {
				out = append(out, object{"name": group.Name})
			}
		}
	}
	return out
}

func showServer(c *call) (int, any, error) {
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"server": serverView(c, s)}, nil
}

// listServers pages over servers, newest first. As Nova does, it gives a next link with every full page, so that the
// last one may be empty.
func listServers(c *call, view func(*call, *simcloud.Server) any) (int, any, error) {
	limit, err := c.limit(c.options.MaxPage)
	if err != nil {
		return 0, nil, err
	}
	q := simcloud.Query{Owner: c.owner, Own: true, After: c.query("marker"), Limit: limit, Newest: true}
	keep, err := serverFilter(c, &q)
	if err != nil {
		return 0, nil, err
	}
	found, err := simcloud.List(c.sim, q, keep)
	if err != nil {
		return 0, nil, badRequest("marker [%s] not found", q.After)
	}
	views := make([]any, len(found))
	for i, s := range found {
		views[i] = view(c, s)
	}
	body := object{"servers": views}
	if len(found) == limit && limit > 0 {
		body["servers_links"] = []any{c.nextLink(found[limit-1].ID)}
	}
	return 200, body, nil
}

// serverFilter turns the query's filters into index keys and a test. Filters that only administrators have, and unknown
// ones before 2.75, are passed over, as Nova does.
func serverFilter(c *call, q *simcloud.Query) (func(*simcloud.Server) bool, error) {
	var tests []func(*simcloud.Server) bool
	for name, values := range c.r.URL.Query() {
		test, err := serverTest(c, q, name, values[0])
		if err != nil {
			return nil, err
		}
		if test != nil {
			tests = append(tests, test)
		}
	}
	return func(s *simcloud.Server) bool {
		for _, t := range tests {
			if !t(s) {
				return false
			}
		}
		return true
	}, nil
}

func serverTest(c *call, q *simcloud.Query, name, value string) (func(*simcloud.Server) bool, error) {
	if strings.Contains(name, "tags") && c.minor < 26 {
		return nil, nil // before 2.26 Nova knows no tags and passes the filter over
	}
	switch name {
	case "tags":
		for _, t := range strings.Split(value, ",") {
			q.Where = append(q.Where, simcloud.Tagged(t))
		}
	case "tags-any", "not-tags", "not-tags-any":
		return tagTest(name, value), nil
	case "name":
		return nameTest(q, value)
	case "status":
		return func(s *simcloud.Server) bool { got, _, _ := novaState(s); return strings.EqualFold(got, value) }, nil
	case "flavor":
		q.Where = append(q.Where, simcloud.Of(simcloud.KindFlavor, value))
	case "image":
		return func(s *simcloud.Server) bool { return s.ImageID == value }, nil
	case "uuid":
		return func(s *simcloud.Server) bool { return s.ID == value }, nil
	case "availability_zone":
		return func(s *simcloud.Server) bool { return s.Zone == value }, nil
	case "changes-since":
		since, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, badRequest("Invalid changes-since value")
		}
		return func(s *simcloud.Server) bool { return !s.Updated.Before(since) }, nil
	case "all_tenants":
		if value == "1" || strings.EqualFold(value, "true") {
			return nil, refuse(403, "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.")
		}
	}
	return nil, nil
}

// nameTest matches a name as Nova does, by regular expression; one that is a plain whole name is looked up.
func nameTest(q *simcloud.Query, value string) (func(*simcloud.Server) bool, error) {
	whole, a := strings.CutPrefix(value, "^")
	whole, z := strings.CutSuffix(whole, "$")
	if a && z && regexp.QuoteMeta(whole) == whole {
		q.Where = append(q.Where, simcloud.Named(whole))
		return nil, nil
	}
	re, err := regexp.Compile(value)
	if err != nil {
		return nil, badRequest("Invalid filter value for name")
	}
	return func(s *simcloud.Server) bool { return re.MatchString(s.Name) }, nil
}

// tagTest is one of the three tag filters that exclude or offer a choice.
func tagTest(name, value string) func(*simcloud.Server) bool {
	wanted := strings.Split(value, ",")
	return func(s *simcloud.Server) bool { return tagsMatch(name, s.Tags, wanted) }
}

// tagsMatch applies tags (all), tags-any, not-tags (not all) or not-tags-any.
func tagsMatch(name string, have, wanted []string) bool {
	n := 0
	for _, t := range wanted {
		if slices.Contains(have, t) {
			n++
		}
	}
	switch name {
	case "tags-any":
		return n > 0
	case "not-tags":
		return n < len(wanted)
	case "not-tags-any":
		return n == 0
	}
	return n == len(wanted)
}
