package openstack

import (
	"context"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// kind implements driver.Resource from a table of verbs, one a named step. A step "rule:443" is the verb "rule".
type kind struct {
	plan    func(driver.Change) ([]driver.Step, error)
	verbs   map[string]verb
	observe func(ctx context.Context, id string) (driver.Observation, error)
	list    func(ctx context.Context, cursor string) (driver.Page, error)
}

// verb is how a step is sent, and how its effect is looked for.
type verb struct {
	run  func(context.Context, driver.Call) (driver.Reply, error)
	look func(context.Context, driver.Call) (driver.Evidence, error)
}

// Plan implements driver.Resource.
func (k *kind) Plan(c driver.Change) ([]driver.Step, error) {
	if c.Mark == "" || len(c.Mark) > 64 {
		return nil, refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "mark", "标记须为 1 至 64 字节", "a mark is 1 to 64 bytes"))
	}
	return k.plan(c)
}

// Run implements driver.Resource.
func (k *kind) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := k.verb(c.Step)
	if err != nil {
		return driver.Reply{}, err
	}
	return v.run(ctx, c)
}

// Look implements driver.Resource.
func (k *kind) Look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := k.verb(c.Step)
	if err != nil {
		return driver.Evidence{}, err
	}
	return v.look(ctx, c)
}

// Observe implements driver.Resource.
func (k *kind) Observe(ctx context.Context, id string) (driver.Observation, error) {
	if id == "" {
		return driver.Observation{}, refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	}
	return k.observe(ctx, id)
}

// List implements driver.Resource.
func (k *kind) List(ctx context.Context, cursor string) (driver.Page, error) {
	return k.list(ctx, cursor)
}

func (k *kind) verb(step string) (verb, error) {
	name, _, _ := strings.Cut(step, ":")
	v, ok := k.verbs[name]
	if !ok {
		return verb{}, refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "step", "没有步骤 %q", "there is no step %q", step))
	}
	return v, nil
}

// impossible says that a kind cannot make a change.
func impossible(field, zh, en string, args ...any) error {
	return refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, field, zh, en, args...))
}

// planner gives the steps of each operation of a kind.
type planner struct {
	create, remove func(driver.Change) ([]driver.Step, error)
	update         func(driver.Change) ([]driver.Step, error)
}

func (p planner) plan(c driver.Change) ([]driver.Step, error) {
	switch {
	case c.Op == duoyun.OpCreate && c.After != nil && c.After.Kind() == c.Kind:
		return p.create(c)
	case c.Op == duoyun.OpDelete:
		return p.remove(c)
	case c.Op == duoyun.OpUpdate && c.Before != nil && c.After != nil && c.Before.Kind() == c.Kind && c.After.Kind() == c.Kind:
		if p.update != nil {
			return p.update(c)
		}
		if duoyun.SameSpec(c.Before, c.After) {
			return nil, nil
		}
	case c.Op == duoyun.OpRenew:
		return nil, nil // OpenStack has no subscriptions
	}
	return nil, impossible("op", "%s 不支持此变更", "a %s cannot be changed so", string(c.Kind))
}

// fixed is a plan that is the same for every unit: deletions, which find out for themselves what is left to delete.
func fixed(steps ...driver.Step) func(driver.Change) ([]driver.Step, error) {
	return func(driver.Change) ([]driver.Step, error) { return steps, nil }
}

// link returns the first parent of a relation.
func link(c driver.Change, r duoyun.Relation) (driver.Link, bool) {
	if links := c.Links[r]; len(links) > 0 {
		return links[0], true
	}
	return driver.Link{}, false
}

// platformNetwork is the network a unit's ports are made on.
func platformNetwork(c driver.Change) (driver.Link, error) {
	l, ok := link(c, duoyun.RelNetwork)
	if !ok || l.ID == "" {
		return l, impossible("network", "尚无平台网络", "there is no platform network to put it on")
	}
	return l, nil
}

// title is the name people see at the vendor.
func title(c driver.Change) string {
	name := c.Name
	if name == "" {
		name = c.Mark
	}
	if len(name) > 250 { // Nova and Neutron take 255
		name = strings.ToValidUTF8(name[:250], "")
	}
	return name
}

// reply tells the vendor's id and the request id of an answer, whose header each service names differently.
func reply(id string, h http.Header) driver.Reply {
	r := driver.Reply{ID: id}
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id", "X-Trans-Id"} {
		if v := h.Get(name); v != "" {
			r.RequestID = v
			break
		}
	}
	return r
}
