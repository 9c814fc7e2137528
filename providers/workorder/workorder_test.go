package workorder_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/workorder"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// desk is an order for a service of two units, and the driver over its pool.
type desk struct {
	*testing.T
	store *store.Store
	world *storetest.World
	cloud *providers.Cloud
	order duoyun.Order
	units []duoyun.Resource
}

func each(t *testing.T, f func(d *desk)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := &desk{T: t, store: s, world: storetest.NewWorld(t, s)}
		d.open()
		f(d)
	})
}

var migration = duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天", Quantity: 10}

func (d *desk) open() {
	ctx, now, w := context.Background(), time.Now(), d.world
	d.order = duoyun.Order{ID: duoyun.NewID(now), Number: "1", State: duoyun.OrderProvisioning, AgencyID: w.ID(storetest.HRSS), PayerID: w.ID(storetest.Data),
		ApplicantID: w.ID("hrss-applicant"), Version: 1, CreatedAt: now, UpdatedAt: now}
	for i := range 2 {
		d.units = append(d.units, duoyun.Resource{ID: duoyun.NewID(now), OrderID: d.order.ID, Line: "mig", Ordinal: i + 1, Kind: duoyun.KindService, Name: "mig",
			AgencyID: d.order.AgencyID, PayerID: d.order.PayerID, SupplierID: w.ID("telecom-suqian"), PoolID: w.ID("people-1"),
			State: duoyun.ResourceReserved, Spec: migration, CreatedAt: now, UpdatedAt: now})
	}
	d.tx(func(tx *sql.Tx) error {
		if err := d.store.InsertOrder(ctx, tx, d.order); err != nil {
			return err
		}
		return d.store.InsertResources(ctx, tx, d.units)
	})
	directory := providers.NewDirectory(d.store, map[string]driver.Opener{"workorder": workorder.Opener(d.store, nil)}, providers.Options{}, nil)
	var err error
	if d.cloud, err = directory.Cloud(ctx, w.ID("people-1")); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) tx(f func(tx *sql.Tx) error) {
	d.Helper()
	if err := d.store.InTx(context.Background(), f); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) call(unit int, op duoyun.Op, id string) (driver.Step, driver.Call) {
	d.Helper()
	mark := d.units[unit].Mark()
	c := driver.Change{Op: op, Kind: duoyun.KindService, Mark: mark, Name: "mig", After: migration, ID: id}
	if op == duoyun.OpDelete {
		c.Before, c.After = migration, nil
	}
	steps, err := d.cloud.Plan(c)
	if err != nil || len(steps) != 1 {
		d.Fatal(steps, err)
	}
	return steps[0], driver.Call{Change: c, Step: steps[0].Name, Token: duoyun.StepToken(mark, 0, 0)}
}

func (d *desk) run(unit int, op duoyun.Op, id string) string {
	d.Helper()
	step, call := d.call(unit, op, id)
	r, err := d.cloud.Run(context.Background(), step, call)
	if err != nil {
		d.Fatal(err)
	}
	return r.ID
}

func (d *desk) look(unit int, op duoyun.Op, want driver.EvidenceState) driver.Evidence {
	d.Helper()
	_, call := d.call(unit, op, "")
	e, err := d.cloud.Look(context.Background(), call)
	if err != nil || e.State != want {
		d.Fatalf("%+v %v, want %s", e, err, want)
	}
	return e
}

func (d *desk) tasks() []duoyun.Task {
	d.Helper()
	var tasks []duoyun.Task
	d.tx(func(tx *sql.Tx) (err error) {
		tasks, err = d.store.OrderTasks(context.Background(), tx, d.order.ID)
		return err
	})
	return tasks
}

func TestATokenOpensOneWorkOrderAndALineOneTask(t *testing.T) {
	each(t, func(d *desk) {
		d.look(0, duoyun.OpCreate, driver.Absent)
		first := d.run(0, duoyun.OpCreate, "")
		if again := d.run(0, duoyun.OpCreate, ""); again != first || first == "" {
			d.Fatalf("the same token opened %q and %q", first, again)
		}
		d.run(1, duoyun.OpCreate, "")
		d.look(0, duoyun.OpCreate, driver.Pending)
		tasks := d.tasks()
		if len(tasks) != 1 || tasks[0].Kind != duoyun.TaskWorkOrder || tasks[0].SupplierID != d.world.ID("telecom-suqian") {
			d.Fatalf("tasks %+v", tasks)
		}
	})
}

func TestWhatTheSupplierDecidesIsSeenByTheProtocol(t *testing.T) {
	for fulfilled, want := range map[bool]driver.EvidenceState{true: driver.Done, false: driver.Broken} {
		onEach(t, want, func(d *desk) {
			id := d.run(0, duoyun.OpCreate, "")
			d.run(1, duoyun.OpCreate, "")
			d.tx(func(tx *sql.Tx) error {
				_, err := d.store.DecideWorkOrders(context.Background(), tx, d.task(tx), fulfilled, "已完成割接")
				return err
			})
			for unit := range d.units {
				if e := d.look(unit, duoyun.OpCreate, want); e.Detail != "已完成割接" {
					d.Errorf("the supplier's words are lost: %+v", e)
				}
			}
			o, err := d.cloud.Observe(context.Background(), duoyun.KindService, id)
			if err != nil || o.Mark != d.units[0].Mark() || o.Spec != duoyun.Spec(migration) {
				d.Errorf("%+v %v", o, err)
			}
		})
	}
}

func onEach(t *testing.T, want driver.EvidenceState, f func(d *desk)) {
	t.Run(string(want), func(t *testing.T) { each(t, f) })
}

func (d *desk) task(tx *sql.Tx) string {
	tasks, err := d.store.OrderTasks(context.Background(), tx, d.order.ID)
	if err != nil || len(tasks) != 1 {
		d.Fatal(tasks, err)
	}
	return tasks[0].ID
}

func TestAWorkOrderTakenBackIsGoneAndItsTaskWithTheLast(t *testing.T) {
	each(t, func(d *desk) {
		ids := []string{d.run(0, duoyun.OpCreate, ""), d.run(1, duoyun.OpCreate, "")}
		d.run(0, duoyun.OpDelete, ids[0])
		d.look(0, duoyun.OpDelete, driver.Done)
		if _, err := d.cloud.Observe(context.Background(), duoyun.KindService, ids[0]); providers.CodeOf(err) != driver.NotFound {
			d.Errorf("still there: %v", err)
		}
		if got := d.tasks()[0].State; got != duoyun.TaskPending {
			d.Errorf("one unit is still open, its task is %s", got)
		}
		p, err := d.cloud.List(context.Background(), duoyun.KindService, "")
		if err != nil || len(p.Items) != 1 || p.Items[0].ID != ids[1] {
			d.Errorf("listing %+v %v", p, err)
		}
		d.run(1, duoyun.OpDelete, "") // by its mark: no reply told the id
		d.run(1, duoyun.OpDelete, "") // what is gone is gone
		if got := d.tasks()[0].State; got != duoyun.TaskVoid {
			d.Errorf("nothing is open, its task is %s", got)
		}
	})
}
