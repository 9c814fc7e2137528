package store_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store/storetest"
)

// fill gives every field of *p, that is not set, a value of its own, so that a column that is forgotten or two that are
// swapped show up when the row is read.
func fill[T any](p *T) T {
	n := 0
	fillValue(reflect.ValueOf(p).Elem(), reflect.TypeFor[T]().Name(), &n)
	return *p
}

func fillValue(v reflect.Value, name string, n *int) {
	*n++
	if !v.IsZero() && v.Kind() != reflect.Struct && v.Kind() != reflect.Slice || !v.CanSet() {
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		if !x.IsZero() {
			return
		}
		*x = day.Add(time.Duration(*n) * time.Hour)
		return
	case *duoyun.Date:
		*x = duoyun.DateOf(day).AddDays(*n)
		return
	case *duoyun.Month:
		*x = duoyun.Month{Year: 2026, Month: time.March}
		return
	case *duoyun.Price:
		*x = duoyun.MustPrice(fmt.Sprintf("%d.000000000001", *n))
		return
	case *duoyun.Amount:
		*x = duoyun.MustPrice(fmt.Sprint(*n)).Amount().Over(7)
		return
	case *json.RawMessage:
		*x = json.RawMessage(fmt.Sprintf(`{"n":%d}`, *n))
		return
	case *duoyun.Spec:
		*x = duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10", Ports: []int{22, 443}, Stopped: true}
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s 字 %d", name, *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem(), name, n)
	case reflect.Slice:
		if v.IsZero() {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fillValue(v.Index(i), name, n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillValue(key, name, n)
		fillValue(value, name, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i), v.Type().Field(i).Name, n)
		}
	}
}

// noun is how a row is written and read.
type noun[T any] struct {
	write func(tx *sql.Tx, v T) error
	read  func(tx *sql.Tx) (T, error)
}

// roundTrip writes v, reads it, changes it with change, writes that with update, and reads it again.
func roundTrip[T any](b *bench, v T, n noun[T], change func(*T), update func(*sql.Tx, T) error) {
	b.t.Helper()
	what := reflect.TypeFor[T]().Name()
	b.tx(func(tx *sql.Tx) error {
		b.t.Helper()
		if err := n.write(tx, v); err != nil {
			return fmt.Errorf("write %s: %w", what, err)
		}
		got, err := n.read(tx)
		same(b.t, what, got, v)
		if err != nil || update == nil {
			return err
		}
		change(&v)
		if err := update(tx, v); err != nil {
			return fmt.Errorf("update %s: %w", what, err)
		}
		got, err = n.read(tx)
		same(b.t, what+" updated", got, v)
		return err
	})
}

func TestEveryFieldIsReadAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := b.ctx
		a := duoyun.Agency{ID: newID(), ParentID: b.ID(storetest.City), Depth: 2, ApproverID: b.ID(storetest.Edu), PayerID: b.ID(storetest.Data)}
		a.Ancestors = [4]string{a.ParentID, a.ID}
		roundTrip(b, fill(&a), noun[duoyun.Agency]{func(tx *sql.Tx, v duoyun.Agency) error { return b.InsertAgency(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Agency, error) { return b.World.Store.Agency(ctx, tx, a.Code) }},
			func(v *duoyun.Agency) { v.Name, v.ApproverID, v.PayerID = "改", a.ID, a.ID },
			func(tx *sql.Tx, v duoyun.Agency) error { return b.UpdateAgency(ctx, tx, v) })

		y := duoyun.System{ID: newID(), AgencyID: a.ID}
		roundTrip(b, fill(&y), noun[duoyun.System]{func(tx *sql.Tx, v duoyun.System) error { return b.InsertSystem(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.System, error) { return b.System(ctx, tx, y.Code) }},
			func(v *duoyun.System) { v.Cloud, v.Reason = duoyun.CloudMigrating, "改" },
			func(tx *sql.Tx, v duoyun.System) error { return b.SetCloudState(ctx, tx, v.ID, v.Cloud, v.Reason) })

		p := duoyun.Project{ID: newID(), AgencyID: a.ID}
		roundTrip(b, fill(&p), noun[duoyun.Project]{func(tx *sql.Tx, v duoyun.Project) error { return b.InsertProject(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Project, error) { return b.Project(ctx, tx, p.Number) }}, nil, nil)

		s := duoyun.Supplier{ID: newID()}
		roundTrip(b, fill(&s), noun[duoyun.Supplier]{func(tx *sql.Tx, v duoyun.Supplier) error { return b.InsertSupplier(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Supplier, error) { return b.LockSupplier(ctx, tx, s.Code) }},
			func(v *duoyun.Supplier) { v.Name, v.Class, v.AssessmentUntil = "改", "it", duoyun.Date{} },
			func(tx *sql.Tx, v duoyun.Supplier) error { return b.UpdateSupplier(ctx, tx, v) })

		x := duoyun.Pool{ID: newID(), SupplierID: s.ID, Version: 1}
		fill(&x)
		x.Capacity, x.Used, x.Sealed = nil, nil, nil // read by other ways
		roundTrip(b, x, noun[duoyun.Pool]{func(tx *sql.Tx, v duoyun.Pool) error { return b.InsertPool(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Pool, error) { return b.LockPool(ctx, tx, x.Code) }},
			func(v *duoyun.Pool) {
				v.Name, v.Zones, v.Kinds, v.Level, v.Active, v.Account, v.Version = "改", []string{"z"}, nil, 1, false, []byte(`{}`), 2
				v.Plan, v.Xinchuang = duoyun.AddressPlan{CIDR: "10.0.0.0/8", Prefix: 20}, duoyun.Xinchuang{}
			}, func(tx *sql.Tx, v duoyun.Pool) error { return b.UpdatePool(ctx, tx, v) })

		c := duoyun.Contract{ID: newID(), SupplierID: s.ID}
		fill(&c)
		c.Used = 0
		roundTrip(b, c, noun[duoyun.Contract]{func(tx *sql.Tx, v duoyun.Contract) error { return b.InsertContract(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Contract, error) { return b.LockContract(ctx, tx, c.Number) }},
			func(v *duoyun.Contract) {
				v.Name, v.End, v.Ceiling, v.Allocation, v.Share, v.State = "改", duoyun.Date{Year: 2030, Month: 1, Day: 31}, 5, "shares", 7, "suspended"
			}, func(tx *sql.Tx, v duoyun.Contract) error {
				done, err := b.UpdateContract(ctx, tx, v)
				if !done {
					t.Error("a contract is not updated")
				}
				return err
			})

		i := duoyun.PriceItem{ID: newID(), ContractID: c.ID, Per: "hour"}
		fill(&i)
		i.Until = time.Time{}
		roundTrip(b, i, noun[duoyun.PriceItem]{func(tx *sql.Tx, v duoyun.PriceItem) error { return b.InsertPriceItems(ctx, tx, []duoyun.PriceItem{v}) },
			func(tx *sql.Tx) (duoyun.PriceItem, error) { return only(b.PriceItems(ctx, tx, c.ID)) }},
			func(v *duoyun.PriceItem) { v.Until = day },
			func(tx *sql.Tx, v duoyun.PriceItem) error { return b.EndPriceItem(ctx, tx, v.ID, v.Until) })

		o := duoyun.Order{ID: newID(), AgencyID: a.ID, PayerID: b.ID(storetest.Data), SystemID: y.ID, ProjectID: p.ID, ApplicantID: b.ID("hrss-applicant"), Version: 4}
		o.Requested.Lines = []duoyun.Line{{Kind: duoyun.KindServer, Spec: duoyun.ServerSpec{VCPU: 1, Ports: []int{1}}}, {Kind: duoyun.KindService, Spec: duoyun.ServiceSpec{Name: "迁移"}}, {Kind: duoyun.KindServer}}
		o.Approved = []duoyun.Cut{{Line: "a", Spec: duoyun.DiskSpec{SizeGiB: 5}}, {Line: "b", Reason: "无"}}
		fill(&o)
		roundTrip(b, o, noun[duoyun.Order]{func(tx *sql.Tx, v duoyun.Order) error { return b.InsertOrder(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Order, error) {
				got, err := b.LockOrder(ctx, tx, o.Number)
				if err == nil {
					got.Recommended, err = b.Recommendation(ctx, tx, o.ID)
				}
				return got, err
			}},
			func(v *duoyun.Order) {
				v.State, v.Approved, v.Chosen, v.ContentHash, v.Total, v.Reason = duoyun.OrderHeld, nil, nil, "h", 9, "缺"
				v.UpdatedAt, v.Version = day, v.Version+1
			}, func(tx *sql.Tx, v duoyun.Order) error {
				v.Version--
				v.Recommended = nil // not read: stays as it is
				return b.UpdateOrder(ctx, tx, v)
			})
	})
}

func TestAnOrderThatMovedOnIsNotWrittenOver(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		o, _ := b.order(0)
		won := make(chan bool, 8)
		together(8, func(i int) {
			mine := o
			mine.Reason = fmt.Sprint(i)
			err := b.InTx(b.ctx, func(tx *sql.Tx) error { return b.UpdateOrder(b.ctx, tx, mine) })
			if err != nil && duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Error(err)
			}
			won <- err == nil
		})
		close(won)
		n := 0
		for w := range won {
			if w {
				n++
			}
		}
		got, err := b.FindOrder(b.ctx, all(), o.ID)
		if n != 1 || got.Version != o.Version+1 || err != nil {
			t.Errorf("%d of 8 wrote version %d; it is %d, %v", n, o.Version, got.Version, err)
		}
		o.Requested.Purpose = "asked for something else"
		o.Version = got.Version
		b.tx(func(tx *sql.Tx) error { return b.UpdateOrder(b.ctx, tx, o) })
		if got, _ = b.FindOrder(b.ctx, all(), o.ID); got.Requested.Purpose != "" {
			t.Error("the requested layer was written over")
		}
	})
}

func TestEveryFieldOfWhatHangsOnAnOrderIsReadAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := b.ctx
		o, rs := b.order(1)
		agency := b.ID(storetest.HRSS)

		r := duoyun.Resource{ID: newID(), OrderID: o.ID, Kind: duoyun.KindServer, AgencyID: agency, PayerID: b.ID(storetest.Data), SystemID: b.ID("hrss-core"),
			ProjectID: b.ID("SQ-2026-017"), SupplierID: b.ID("jd-suqian"), PoolID: b.ID("jd-1"), ContractID: b.ID("SQ-C-2")}
		fill(&r)
		read := func(tx *sql.Tx) (duoyun.Resource, error) {
			return only(b.LockResources(ctx, tx, []string{r.ID, "none"}))
		}
		roundTrip(b, r, noun[duoyun.Resource]{func(tx *sql.Tx, v duoyun.Resource) error { return b.InsertResources(ctx, tx, []duoyun.Resource{v}) }, read},
			func(v *duoyun.Resource) {
				v.Number, v.State, v.Spec, v.Monthly, v.Period = "资1", duoyun.ResourceStopped, duoyun.ServerSpec{VCPU: 8}, 7, duoyun.Period{Months: 3}
				v.Delivered, v.Confirmed, v.Terminated, v.UpdatedAt = day, time.Time{}, time.Time{}, day
			}, func(tx *sql.Tx, v duoyun.Resource) error { return b.UpdateResource(ctx, tx, v) })
		b.tx(func(tx *sql.Tx) error { // what the vendor told is written by itself
			before, err := read(tx)
			ok(t, err)
			told := before
			told.VendorID, told.Parts, told.Addresses, told.Observed = "v", map[string]string{"port": "p"}, []string{"10.0.0.1", "fd00::1"}, []byte(`{"status":"ACTIVE"}`)
			other := told
			other.Name, other.State = "not written", duoyun.ResourceFailed
			ok(t, b.RecordVendor(ctx, tx, other))
			after, err := read(tx)
			same(t, "what the vendor told", after, told)
			return err
		})

		k := duoyun.Task{ID: newID(), OrderID: o.ID, Order: o.Number, AgencyID: agency, SupplierID: b.ID("jd-suqian")}
		roundTrip(b, fill(&k), noun[duoyun.Task]{func(tx *sql.Tx, v duoyun.Task) error { return b.InsertTask(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Task, error) { return b.Task(ctx, tx, k.Number) }},
			func(v *duoyun.Task) {
				v.State, v.ActorID, v.Actor, v.Note, v.Hash, v.DecidedAt = duoyun.TaskApproved, "u", "谁", "n", "h", day
			}, func(tx *sql.Tx, v duoyun.Task) error { return b.UpdateTask(ctx, tx, v) })

		e := duoyun.OrderEvent{ID: newID(), OrderID: o.ID}
		fill(&e)
		b.tx(func(tx *sql.Tx) error { return b.InsertOrderEvent(ctx, tx, e) })
		events, err := b.OrderEvents(ctx, o.ID)
		ok(t, err)
		same(t, "events", events, []duoyun.OrderEvent{e})

		u := duoyun.UsageInterval{ID: newID(), ResourceID: rs[0].ID, ContractID: b.ID("SQ-C-1")}
		fill(&u)
		u.End = time.Time{}
		roundTrip(b, u, noun[duoyun.UsageInterval]{func(tx *sql.Tx, v duoyun.UsageInterval) error { return b.InsertUsage(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.UsageInterval, error) { return only(b.OpenUsage(ctx, tx, rs[0].ID)) }}, nil, nil)

		h := duoyun.Hold{ID: newID(), OrderID: o.ID, ResourceID: rs[0].ID, Kind: duoyun.HoldBudget, RowID: b.ID("budget"), State: duoyun.HoldHeld}
		roundTrip(b, fill(&h), noun[duoyun.Hold]{func(tx *sql.Tx, v duoyun.Hold) error { return b.InsertHolds(ctx, tx, []duoyun.Hold{v}) },
			func(tx *sql.Tx) (duoyun.Hold, error) { return only(b.LiveHolds(ctx, tx, []string{rs[0].ID}, o.ID)) }},
			func(v *duoyun.Hold) { v.State, v.Amount = duoyun.HoldCommitted, 3 },
			func(tx *sql.Tx, v duoyun.Hold) error { return b.SetHold(ctx, tx, v.ID, v.Amount, v.State) })

		f := duoyun.Finding{ID: newID(), State: duoyun.FindingOpen, Subject: "order", SubjectID: o.ID, AgencyID: agency, SupplierID: b.ID("jd-suqian"), CreatedAt: day}
		fill(&f)
		f.Resolution, f.ResolvedBy, f.ResolvedAt = "", "", time.Time{}
		b.tx(func(tx *sql.Tx) error {
			filed, err := b.OpenFinding(ctx, tx, f)
			f.Number = filed.Number
			same(t, "finding as filed", filed, f)
			return err
		})
		found, err := b.FindFinding(ctx, all(), f.Number)
		ok(t, err)
		same(t, "finding", found, f)

		n := duoyun.Incident{ID: newID(), SupplierID: b.ID("jd-suqian"), PoolID: b.ID("jd-1"), ResourceID: r.ID}
		roundTrip(b, fill(&n), noun[duoyun.Incident]{func(tx *sql.Tx, v duoyun.Incident) error { return b.InsertIncident(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.Incident, error) { return b.Incident(ctx, tx, n.Number) }},
			func(v *duoyun.Incident) {
				v.State, v.End, v.Attribution, v.Announced, v.Note = duoyun.IncidentExcused, time.Time{}, "carrier", time.Time{}, "改"
			}, func(tx *sql.Tx, v duoyun.Incident) error { return b.UpdateIncident(ctx, tx, v, n.State) })

		g := duoyun.ProbeTarget{ID: newID(), ResourceID: r.ID, PoolID: b.ID("jd-1")}
		roundTrip(b, fill(&g), noun[duoyun.ProbeTarget]{func(tx *sql.Tx, v duoyun.ProbeTarget) error { return b.InsertTarget(ctx, tx, v) },
			func(tx *sql.Tx) (duoyun.ProbeTarget, error) { return b.Target(ctx, tx, g.ID) }},
			func(v *duoyun.ProbeTarget) { v.Active = false },
			func(tx *sql.Tx, v duoyun.ProbeTarget) error { return b.SetTargetActive(ctx, tx, v.ID, v.Active) })
	})
}

// only asks that there is one row.
func only[T any](rows []T, err error) (v T, _ error) {
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("%d rows: %+v", len(rows), rows)
	}
	if err != nil {
		return v, err
	}
	return rows[0], nil
}

// What people name twice is a conflict that says so, and leaves the first.
func TestWhatIsNamedTwiceIsAConflict(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		id := newID // another id for each
		agency := duoyun.Agency{Depth: 1, ApproverID: "x", PayerID: "x"}
		_, rs := b.order(1)
		for what, insert := range map[string]func(tx *sql.Tx) error{
			"agency's code": func(tx *sql.Tx) error {
				agency.ID, agency.Code, agency.Short = id(), storetest.HRSS, "新"
				return b.InsertAgency(b.ctx, tx, agency)
			},
			"agency's short name": func(tx *sql.Tx) error {
				agency.ID, agency.Code, agency.Short = id(), "new", "宿教"
				return b.InsertAgency(b.ctx, tx, agency)
			},
			"user": func(tx *sql.Tx) error { return b.InsertUser(b.ctx, tx, duoyun.User{ID: id(), Login: "sysadmin"}) },
			"system": func(tx *sql.Tx) error {
				return b.InsertSystem(b.ctx, tx, duoyun.System{ID: id(), Code: "edu-web", AgencyID: b.ID(storetest.Edu)})
			},
			"project": func(tx *sql.Tx) error {
				return b.InsertProject(b.ctx, tx, duoyun.Project{ID: id(), Number: "SQ-2026-017", AgencyID: b.ID(storetest.Edu)})
			},
			"supplier": func(tx *sql.Tx) error {
				return b.InsertSupplier(b.ctx, tx, duoyun.Supplier{ID: id(), Code: "jd-suqian"})
			},
			"pool": func(tx *sql.Tx) error {
				return b.InsertPool(b.ctx, tx, duoyun.Pool{ID: id(), Code: "jd-1", SupplierID: b.ID("jd-suqian")})
			},
			"contract": func(tx *sql.Tx) error {
				return b.InsertContract(b.ctx, tx, duoyun.Contract{ID: id(), Number: "SQ-C-1", SupplierID: b.ID("jd-suqian")})
			},
			"statement": func(tx *sql.Tx) error {
				st := duoyun.Statement{ContractID: b.ID("SQ-C-1"), SupplierID: b.ID("telecom-suqian"), Month: duoyun.Month{Year: 2026, Month: 11}, State: duoyun.StatementOpen}
				for range 2 {
					st.ID = id()
					st.Number = st.ID
					if err := b.InsertStatement(b.ctx, tx, st); err != nil {
						return err
					}
				}
				return nil
			},
			"credit": func(tx *sql.Tx) error {
				c := duoyun.Credit{ContractID: b.ID("SQ-C-1"), ResourceID: rs[0].ID, Month: duoyun.Month{Year: 2026, Month: 11}}
				other := c
				c.ID, other.ID = id(), id()
				return b.InsertCredits(b.ctx, tx, []duoyun.Credit{c, other})
			},
			"order under way": func(tx *sql.Tx) error { return b.ClaimTargets(b.ctx, tx, rs[0].OrderID, []string{rs[0].ID, rs[0].ID}) },
		} {
			if err := b.InTx(b.ctx, insert); duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Errorf("%s: %v", what, err)
			}
		}
		if n := b.count(`SELECT COUNT(*) FROM statements`) + b.count(`SELECT COUNT(*) FROM credits`) + b.count(`SELECT COUNT(*) FROM order_targets`); n != 0 {
			t.Errorf("%d rows are left of what was refused", n)
		}
	})
}

// A write that finds no row, or not in the state it expects, says so and is no internal error.
func TestWritesToWhatIsNotThereSaySo(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		none := newID()
		for what, write := range map[string]func(tx *sql.Tx) error{
			"agency":   func(tx *sql.Tx) error { return b.UpdateAgency(b.ctx, tx, duoyun.Agency{ID: none}) },
			"system":   func(tx *sql.Tx) error { return b.SetCloudState(b.ctx, tx, none, duoyun.CloudOn, "") },
			"supplier": func(tx *sql.Tx) error { return b.UpdateSupplier(b.ctx, tx, duoyun.Supplier{ID: none}) },
			"pool":     func(tx *sql.Tx) error { return b.UpdatePool(b.ctx, tx, duoyun.Pool{ID: none}) },
			"secret":   func(tx *sql.Tx) error { return b.SealPool(b.ctx, tx, none, "s") },
			"price":    func(tx *sql.Tx) error { return b.EndPriceItem(b.ctx, tx, none, day) },
			"user":     func(tx *sql.Tx) error { return b.SetUserActive(b.ctx, tx, none, true) },
			"token":    func(tx *sql.Tx) error { return b.DeleteToken(b.ctx, tx, none, none) },
			"order of an agency": func(tx *sql.Tx) error {
				return b.InsertOrder(b.ctx, tx, b.anOrder(none))
			},
			"order":    func(tx *sql.Tx) error { return b.HoldOrder(b.ctx, tx, none) },
			"task":     func(tx *sql.Tx) error { return b.UpdateTask(b.ctx, tx, duoyun.Task{ID: none}) },
			"resource": func(tx *sql.Tx) error { return b.UpdateResource(b.ctx, tx, duoyun.Resource{ID: none}) },
			"resource of an agency": func(tx *sql.Tx) error {
				return b.InsertResources(b.ctx, tx, []duoyun.Resource{b.aServer(none)})
			},
			"vendor's word": func(tx *sql.Tx) error { return b.RecordVendor(b.ctx, tx, duoyun.Resource{ID: none}) },
			"hold":          func(tx *sql.Tx) error { return b.SetHold(b.ctx, tx, none, 1, duoyun.HoldHeld) },
			"target":        func(tx *sql.Tx) error { return b.SetTargetActive(b.ctx, tx, none, true) },
			"meter":         func(tx *sql.Tx) error { _, err := b.OpenUsage(b.ctx, tx, none); return err },
			"network":       func(tx *sql.Tx) error { _, err := b.PlatformNetwork(b.ctx, tx, none, none, "z"); return err },
			"offer":         func(tx *sql.Tx) error { _, err := b.OfferOf(b.ctx, tx, none, none); return err },
		} {
			if err := b.InTx(b.ctx, write); duoyun.CodeOf(err) != duoyun.CodeNotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, write := range map[string]func(tx *sql.Tx) error{
			"finding": func(tx *sql.Tx) error { return b.ResolveFinding(b.ctx, tx, duoyun.Finding{ID: none}) },
			"incident": func(tx *sql.Tx) error {
				return b.UpdateIncident(b.ctx, tx, duoyun.Incident{ID: none}, duoyun.IncidentOpen)
			},
			"statement": func(tx *sql.Tx) error { return b.CloseStatement(b.ctx, tx, duoyun.Statement{ID: none}) },
			"interval":  func(tx *sql.Tx) error { return b.DropUsage(b.ctx, tx, none) },
			"order":     func(tx *sql.Tx) error { return b.UpdateOrder(b.ctx, tx, duoyun.Order{ID: none}) },
		} {
			if err := b.InTx(b.ctx, write); duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
