package ctyun

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// engines in the order in which they are listed.
func engines() []string { return []string{duoyun.EngineMySQL, duoyun.EnginePostgreSQL} }

// databases are an engine's instances.
func (d databaseKind) databases(engine string) shelf[database] {
	s := shelf[database]{Cloud: d.Cloud, size: 50, member: "list", pages: [2]string{"pageNow", "pageSize"}, list: ask(mysql, "/RDS2/v1/open-api/instance/instance-list", nil)}
	s.show = func(id string) request {
		r := get(mysql, "/RDS2/v1/open-api/instance", args{"outerProdInstId": id})
		r.inst = id
		return r
	}
	if engine == duoyun.EnginePostgreSQL {
		s.pages = [2]string{"pageNum", "pageSize"}
		s.list = get(pgsql, "/PG/v1/product/page-paas-product", nil)
		s.show = func(id string) request { return get(pgsql, "/PG/v1/product/get-paas-product", args{"prodInstId": id}) }
	}
	s.view = func(v database) table.Thing {
		v.engine = engine
		return table.Thing{ID: v.id(), Note: v.Name, State: v.state(), Detail: string(v.Order + "/" + v.running())}
	}
	return s
}

// read reads an instance by its id. Which error tells that an id is unknown is documented for one engine alone: where the
// vendor refuses otherwise, the whole listing has the word.
func (d databaseKind) read(ctx context.Context, engine, id string) (database, error) {
	s := d.databases(engine)
	v, err := s.read(ctx, id)
	v.engine = engine
	if !untold(err) || Code(err) == driver.NotFound {
		return v, err
	}
	for cursor := ""; ; {
		all, next, partial, bad := s.page(ctx, cursor)
		if bad != nil || partial || slices.ContainsFunc(all, func(v database) bool { return s.view(v).ID == id }) {
			return v, err
		}
		if cursor = next; cursor == "" {
			return v, table.Refuse(driver.NotFound, duoyun.NotFound("数据库", "database", id))
		}
	}
}

// shelfOf is an engine's instances as the looks see them.
func (d databaseKind) shelfOf(engine string) table.Shelf {
	s := d.databases(engine)
	t := s.table()
	t.Get = func(ctx context.Context, id string) (table.Thing, error) {
		v, err := d.read(ctx, engine, id)
		return s.view(v), err
	}
	return t
}

func (v database) id() string {
	if v.engine == duoyun.EnginePostgreSQL {
		return string(v.Inner)
	}
	return string(v.Outer)
}

// running is the instance's own state, which PostgreSQL spells otherwise where it shows one alone.
func (v database) running() text {
	if v.Running == "" {
		return v.Alone
	}
	return v.Running
}

// state follows the vendor's tables of orders (0 in force, 1 in arrears, 2 cancelled, 3 being made, 4 failed, 5 expired, 8
// to be destroyed, 10 refunded) and of instances (2000 being made, 2002 unsubscribed).
func (v database) state() driver.ObservedState {
	switch v.Order {
	case "3":
		return driver.Building
	case "4":
		return driver.Errored
	case "1", "5":
		return driver.Stopped
	case "2", "8", "10":
		return driver.Deleting
	}
	switch v.running() {
	case "2000":
		return driver.Building
	case "2002":
		return driver.Deleting
	}
	return driver.Active
}

func (d databaseKind) engineOf(c driver.Call) string {
	for _, spec := range []duoyun.Spec{c.After, c.Before} {
		if s, ok := spec.(duoyun.DatabaseSpec); ok {
			return s.Engine
		}
	}
	return duoyun.EngineMySQL
}

// changing reports whether an instance is being made or changed; 2005 is the vendor's state of an upgrade.
func changing(o driver.Observation) bool {
	return o.State == driver.Building || strings.Contains(string(o.Raw), `"2005"`)
}

// find looks for a call's instance among those of its engine: by its id, or through the listing by its mark.
func (d databaseKind) find(ctx context.Context, c driver.Call) ([]table.Thing, driver.Evidence, error) {
	return d.shelfOf(d.engineOf(c)).Find(ctx, c, c.ID, c.Mark)
}

// lookMade asks the platform which instance an order made, where it is known.
func (d databaseKind) lookMade(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	if c.ID == "" && c.OrderID != "" {
		var made []string
		err := d.fetch(ctx, d.shop(d.engineOf(c), "getInstIdByOrderId", args{"newOrderId": c.OrderID}), &made)
		if err != nil && !untold(err) && !errors.Is(err, errGarbled) {
			return driver.Evidence{}, err
		}
		if len(made) == 1 {
			c.ID = made[0]
		}
	}
	return d.shelfOf(d.engineOf(c)).LookMainMade(ctx, c)
}

// lookUpgraded compares what the instance shows with what the step shall leave: its storage, or its machine.
func (d databaseKind) lookUpgraded(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, _, err := d.find(ctx, c)
	if err == nil && len(found) == 0 {
		err = table.Missing("database")
	}
	var o driver.Observation
	if err == nil {
		o, err = d.observe(ctx, found[0].ID)
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.DatabaseSpec)
		after, seen := c.After.(duoyun.DatabaseSpec), o.Spec.(duoyun.DatabaseSpec)
		was, shall, is := [2]int64{before.StorageGiB}, [2]int64{after.StorageGiB}, [2]int64{seen.StorageGiB}
		if c.Step == "resize" {
			was, shall, is = [2]int64{before.VCPU, before.RAMGiB}, [2]int64{after.VCPU, after.RAMGiB}, [2]int64{seen.VCPU, seen.RAMGiB}
		}
		switch {
		case o.State == driver.Errored:
			return driver.Broken, o.ID, string(o.Raw)
		case changing(o):
			return driver.Pending, o.ID, string(o.Raw)
		case is == shall || c.Step == "resize" && is[0] >= shall[0] && is[1] >= shall[1] && was != is:
			return driver.Done, o.ID, ""
		}
		return driver.Absent, o.ID, string(o.Raw)
	})
}

// lookEnded sees that a database is gone, or has come to one of the states that will do.
func (d databaseKind) lookEnded(enough ...driver.ObservedState) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := d.find(ctx, c)
		if err != nil {
			return driver.Evidence{}, err
		}
		if len(found) > 0 && slices.Contains(enough, found[0].State) {
			ev.State, ev.ID, ev.Detail = driver.Done, found[0].ID, found[0].Detail
			return ev, nil
		}
		return table.Unmade(found, ev), nil
	}
}

// list goes through the engines one after another: the cursor begins with the engine's place.
func (d databaseKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	place, rest, _ := strings.Cut(cursor, "/")
	i, err := strconv.Atoi(place)
	if cursor != "" && (err != nil || i < 0 || i >= len(engines())) {
		return driver.Page{}, table.Impossible("cursor", "游标 %q 无效", "the cursor %q is not one", cursor)
	}
	engine := engines()[i]
	p, err := d.databases(engine).observations(func(v database) (driver.Observation, bool) {
		v.engine = engine
		return observedDatabase(v), true
	})(ctx, rest)
	switch {
	case p.Next != "":
		p.Next = strconv.Itoa(i) + "/" + p.Next
	case i+1 < len(engines()):
		p.Next = strconv.Itoa(i+1) + "/"
	}
	return p, err
}

// observe finds out which engine an id is of.
func (d databaseKind) observe(ctx context.Context, id string) (o driver.Observation, err error) {
	for _, engine := range engines() {
		var v database
		if v, err = d.read(ctx, engine, id); Code(err) != driver.NotFound {
			return observedDatabase(v), err
		}
	}
	return driver.Observation{}, err
}

func (d databaseKind) vouch(ctx context.Context, id string) (bool, error) {
	_, err := d.observe(ctx, id)
	return err == nil, table.Ignoring(Code, err, driver.NotFound)
}

func observedDatabase(v database) driver.Observation {
	spec := duoyun.DatabaseSpec{Engine: v.engine, Version: v.version(), Standby: v.Kind != "0"}
	spec.VCPU, spec.RAMGiB = size(v.Spec)
	spec.StorageGiB, _ = strconv.ParseInt(string(v.Disk), 10, 64) // no number: not shown
	o := driver.Observation{ID: v.id(), Mark: table.MarkIn(v.Name), Name: v.Name, State: v.state(), CreatedAt: v.Created.when(), PaidUntil: v.Expires.when(),
		Spec: spec, Raw: raw(map[string]any{"order": v.Order, "running": v.running(), "size": v.Spec, "engine": v.Engine})}
	if v.Address != "" {
		o.Addresses = []string{v.Address}
	}
	if v.Network != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.Network}}
	}
	return o
}

// version is the engine's version as a spec names it: 8.0 of MySQL, 15 of PostgreSQL; "" where the vendor shows none.
func (v database) version() string {
	if v.engine == duoyun.EngineMySQL {
		return v.MySQL
	}
	number := strings.TrimLeft(v.Engine, "PpOoSsTtGgRrEeQqLl _-")
	major, _, _ := strings.Cut(number, ".")
	return major
}
