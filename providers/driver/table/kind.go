// Package table makes a driver's kinds out of tables: a kind is the plans of its operations and one verb for each named
// step, and its looks are readings of a shelf of things. What every vendor's driver needs is here once: how a mark is
// found in a whole listing, what proves absence, and which errors mean that nothing was done.
package table

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Kind implements driver.Resource from a table of verbs, one a named step. A step "rule:443" is the verb "rule".
type Kind struct {
	Plans   Plans
	Verbs   map[string]Verb
	Reading func(ctx context.Context, id string) (driver.Observation, error)
	Listing func(ctx context.Context, cursor string) (driver.Page, error)
	Parts   map[string]Shelf // where the parts of its units stand that bear their note, by the step that makes them
}

// Verb is how a step is sent, and how its effect is looked for.
type Verb struct {
	Run   func(context.Context, driver.Call) (driver.Reply, error)
	Look  func(context.Context, driver.Call) (driver.Evidence, error)
	Token bool // the vendor documents that it makes one thing of any number of calls with one token: see driver.Step
}

// Plans gives the steps of each operation of a kind. A nil Update is a kind that cannot be changed, a nil Renew a vendor
// that has no subscriptions of it.
type Plans struct {
	Create, Update, Renew, Delete func(driver.Change) ([]driver.Step, error)
}

// Plan implements driver.Resource.
func (k *Kind) Plan(c driver.Change) ([]driver.Step, error) {
	steps, err := k.steps(c)
	if err != nil {
		return nil, err
	}
	steps = slices.Clone(steps) // a fixed plan is everybody's
	for i, s := range steps {
		v, err := k.verb(s.Name)
		if err != nil {
			return nil, err
		}
		steps[i].Token = v.Token
	}
	return steps, nil
}

func (k *Kind) steps(c driver.Change) ([]driver.Step, error) {
	if c.Mark == "" || len(c.Mark) > 64 {
		return nil, Impossible("mark", "标记须为 1 至 64 字节", "a mark is 1 to 64 bytes")
	}
	switch {
	case c.Op == duoyun.OpCreate && c.After != nil && c.After.Kind() == c.Kind:
		return k.Plans.Create(c)
	case c.Op == duoyun.OpDelete:
		return k.Plans.Delete(c)
	case c.Op == duoyun.OpUpdate && c.Before != nil && c.After != nil && c.Before.Kind() == c.Kind && c.After.Kind() == c.Kind:
		if k.Plans.Update != nil {
			return k.Plans.Update(c)
		}
		if duoyun.SameSpec(c.Before, c.After) {
			return nil, nil
		}
	case c.Op == duoyun.OpRenew:
		if k.Plans.Renew != nil {
			return k.Plans.Renew(c)
		}
		return nil, nil
	}
	return nil, Impossible("op", "%s 不支持此变更", "a %s cannot be changed so", string(c.Kind))
}

// Run implements driver.Resource.
func (k *Kind) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := k.verb(c.Step)
	if err != nil {
		return driver.Reply{}, err
	}
	return v.Run(ctx, c)
}

// Look implements driver.Resource.
func (k *Kind) Look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := k.verb(c.Step)
	if err != nil {
		return driver.Evidence{}, err
	}
	return v.Look(ctx, c)
}

// Observe implements driver.Resource.
func (k *Kind) Observe(ctx context.Context, id string) (driver.Observation, error) {
	if id == "" {
		return driver.Observation{}, Refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	}
	return k.Reading(ctx, id)
}

// List implements driver.Resource.
func (k *Kind) List(ctx context.Context, cursor string) (driver.Page, error) {
	return k.Listing(ctx, cursor)
}

// ListParts implements driver.PartLister: shelf by shelf. A cursor is the shelf's name and the vendor's own.
func (k *Kind) ListParts(ctx context.Context, cursor string) ([]driver.Part, string, error) {
	names := slices.Sorted(maps.Keys(k.Parts))
	name, at, _ := strings.Cut(cursor, " ")
	i := max(0, slices.Index(names, name))
	if len(names) == 0 {
		return nil, "", nil
	}
	things, next, partial, err := k.Parts[names[i]].Page(ctx, at)
	if err == nil && partial {
		err = Refuse(driver.Unavailable, errPartial)
	}
	if err != nil {
		return nil, "", err
	}
	var parts []driver.Part
	for _, t := range things {
		if mark, step, ok := strings.Cut(t.Note, " "); ok && step == names[i] && t.State != driver.Deleting && duoyun.IsMark(mark) {
			parts = append(parts, driver.Part{ID: t.ID, Mark: mark, Step: step})
		}
	}
	switch {
	case next != "":
		next = names[i] + " " + next
	case i+1 < len(names):
		next = names[i+1] + " "
	}
	return parts, next, nil
}

var errPartial = errors.New("the listing of parts is not whole")

func (k *Kind) verb(step string) (Verb, error) {
	name, _, _ := strings.Cut(step, ":")
	v, ok := k.Verbs[name]
	if !ok {
		return Verb{}, Impossible("step", "没有步骤 %q", "there is no step %q", step)
	}
	return v, nil
}

// Fixed is a plan that is the same for every unit: deletions, which find out for themselves what is left to delete.
func Fixed(steps ...driver.Step) func(driver.Change) ([]driver.Step, error) {
	return func(driver.Change) ([]driver.Step, error) { return steps, nil }
}

// Link returns the first parent of a relation that has a vendor id.
func Link(c driver.Change, r duoyun.Relation) (driver.Link, bool) {
	if links := c.Links[r]; len(links) > 0 {
		return links[0], links[0].ID != ""
	}
	return driver.Link{}, false
}

// PlatformNetwork is the network a unit is made on.
func PlatformNetwork(c driver.Change) (driver.Link, error) {
	l, ok := Link(c, duoyun.RelNetwork)
	if !ok {
		return l, Impossible("network", "尚无平台网络", "there is no platform network to put it on")
	}
	return l, nil
}

// Title is the name people see at the vendor: the unit's, or its mark, cut to so many bytes of whole characters.
func Title(c driver.Change, bytes int) string {
	name := c.Name
	if name == "" {
		name = c.Mark
	}
	if len(name) > bytes {
		name = strings.ToValidUTF8(name[:bytes], "")
	}
	return name
}
