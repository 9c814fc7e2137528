package sla

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// probeTimeout bounds one look; probeWidth is how many run at once.
const (
	probeTimeout = 5 * time.Second
	probeWidth   = 32
)

// method looks at a target once; nil is good, an error is bad. errUnknown says that nothing was learnt.
type method func(ctx context.Context, t duoyun.ProbeTarget) error

var errUnknown = errors.New("no result")

func probeTCP(ctx context.Context, t duoyun.ProbeTarget) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return err
	}
	return c.Close()
}

// probeHTTP asks for the address; any answer below 500 shows that the service is there, as an unauthorised caller is
// still answered.
func probeHTTP(ctx context.Context, t duoyun.ProbeTarget) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Address, nil)
	if err != nil {
		return errUnknown
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 4096)
	if res.StatusCode >= http.StatusInternalServerError {
		return errors.New(res.Status)
	}
	return nil
}

func (s *Service) probeCloud(ctx context.Context, t duoyun.ProbeTarget) error {
	if s.cloud == nil || t.PoolID == "" {
		return errUnknown
	}
	return s.cloud.Probe(ctx, t.PoolID)
}

// ProbeAll looks at every active target once and records the minute. It may run again for the same minute: the first
// result of a target stands. A target whose look was cut off by ctx has no result, which is unknown.
func (s *Service) ProbeAll(ctx context.Context, minute time.Time) error {
	targets, err := s.store.ActiveTargets(ctx)
	if err != nil || len(targets) == 0 {
		return err
	}
	results := make([]duoyun.ProbeResult, len(targets))
	gate := make(chan struct{}, probeWidth)
	var all sync.WaitGroup
	for i, t := range targets {
		all.Add(1)
		gate <- struct{}{}
		go func() {
			defer func() { <-gate; all.Done() }()
			results[i] = s.look(ctx, t.ProbeTarget, minute)
		}()
	}
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.Record(ctx, results)
}

func (s *Service) look(ctx context.Context, t duoyun.ProbeTarget, minute time.Time) duoyun.ProbeResult {
	r := duoyun.ProbeResult{TargetID: t.ID, Minute: minute.UTC().Truncate(time.Minute), Outcome: "good"}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	begun := time.Now()
	err := errUnknown
	if m := s.methods[t.Method]; m != nil {
		err = m(ctx, t)
	}
	r.Millis = time.Since(begun).Milliseconds()
	switch {
	case errors.Is(err, errUnknown):
		r.Outcome = "unknown"
	case err != nil:
		r.Outcome, r.Detail = "bad", clean(err.Error())
	}
	return r
}

// clean keeps the first 200 printable characters of a foreign error.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}

// recordBatch is how many results one transaction writes.
const recordBatch = 5000

// Record keeps results of any number of targets and minutes and opens and closes incidents from them: opened at the
// first bad minute of a subject, closed at the first good one. Results that were recorded before change nothing.
func (s *Service) Record(ctx context.Context, results []duoyun.ProbeResult) error {
	sorted := slices.Clone(results)
	for i := range sorted {
		sorted[i].Minute = sorted[i].Minute.UTC().Truncate(time.Minute)
	}
	slices.SortFunc(sorted, func(a, b duoyun.ProbeResult) int {
		return cmp.Or(a.Minute.Compare(b.Minute), cmp.Compare(a.TargetID, b.TargetID))
	})
	for len(sorted) > 0 {
		n := min(recordBatch, len(sorted))
		for n < len(sorted) && sorted[n].Minute.Equal(sorted[n-1].Minute) {
			n++ // one minute's vantage points are judged together
		}
		batch := sorted[:n]
		sorted = sorted[n:]
		err := s.store.InTx(ctx, func(tx *sql.Tx) error {
			if err := s.store.InsertResults(ctx, tx, batch); err != nil {
				return err
			}
			return s.derive(ctx, tx, batch)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// derive opens and closes the incidents of the batch's subjects.
func (s *Service) derive(ctx context.Context, tx *sql.Tx, batch []duoyun.ProbeResult) error {
	var ids []string
	for _, r := range batch {
		ids = append(ids, r.TargetID)
	}
	slices.Sort(ids)
	targets, err := s.store.SubjectTargets(ctx, tx, slices.Compact(ids))
	if err != nil {
		return err
	}
	byID := map[string]Target{}
	for _, t := range targets {
		byID[t.ID] = t
	}
	seen := map[Subject][]sighting{}
	for _, r := range batch {
		if t, known := byID[r.TargetID]; known {
			seen[t.Subject] = append(seen[t.Subject], sighting{r.Minute, t.Method, r.Outcome})
		}
	}
	for _, subject := range sortedSubjects(seen) {
		if err := s.follow(ctx, tx, subject, seen[subject]); err != nil {
			return err
		}
	}
	return nil
}

// sortedSubjects gives the order in which subjects are locked.
func sortedSubjects(seen map[Subject][]sighting) []Subject {
	var out []Subject
	for s := range seen {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.PoolID, b.PoolID), cmp.Compare(a.ResourceID, b.ResourceID))
	})
	return out
}

type sighting struct {
	minute  time.Time
	method  string
	outcome string
}

// judge says what one minute's sightings of a subject come to. Looks at the service itself outrank the vendor's API,
// whose good answer alone never clears the vendor; a minute is bad when every vantage point that saw anything saw bad.
func judge(all []sighting) string {
	for _, ofCloud := range [2]bool{false, true} {
		good, bad := 0, 0
		for _, s := range all {
			switch {
			case (s.method == "cloud") != ofCloud:
			case s.outcome == "good":
				good++
			case s.outcome == "bad":
				bad++
			}
		}
		switch {
		case good > 0:
			return "good"
		case bad > 0:
			return "bad"
		}
	}
	return "unknown"
}

// follow walks one subject's minutes in order.
func (s *Service) follow(ctx context.Context, tx *sql.Tx, key Subject, seen []sighting) error {
	if !slices.ContainsFunc(seen, func(g sighting) bool { return g.outcome != "unknown" }) {
		return nil
	}
	subject, err := s.store.IncidentSubject(ctx, tx, key.ResourceID, key.PoolID)
	if err != nil {
		return err
	}
	last, err := s.store.LastProbed(ctx, tx, subject)
	if err != nil {
		return err
	}
	for len(seen) > 0 {
		n := 1
		for n < len(seen) && seen[n].minute.Equal(seen[0].minute) {
			n++
		}
		minute, outcome := seen[0].minute, judge(seen[:n])
		seen = seen[n:]
		open := last.ID != "" && last.End.IsZero()
		switch {
		case !open && outcome == "bad" && !minute.Before(last.End):
			last, err = s.openProbed(ctx, tx, subject, minute)
		case open && outcome == "good" && minute.After(last.Start):
			last.End = minute
			err = s.store.UpdateIncident(ctx, tx, last, last.State)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) openProbed(ctx context.Context, tx *sql.Tx, subject Subject, minute time.Time) (duoyun.Incident, error) {
	i := duoyun.Incident{ID: duoyun.NewID(minute), SupplierID: subject.SupplierID, PoolID: subject.PoolID, ResourceID: subject.ResourceID,
		State: duoyun.IncidentOpen, Source: "probe", Start: minute}
	var err error
	if i.Number, err = s.store.NextNumber(ctx, tx, duoyun.NumberIncident, subject.AgencyID, minute); err != nil {
		return i, err
	}
	return i, s.store.InsertIncident(ctx, tx, i)
}

// Watch adds a probe target: a resource, or a canary of a pool. Procurement and system administrators may.
func (s *Service) Watch(ctx context.Context, actor duoyun.Actor, once duoyun.Once, t duoyun.ProbeTarget) (duoyun.ProbeTarget, error) {
	if err := actor.Need(duoyun.RoleProcurement, duoyun.RoleSystemAdmin); err != nil {
		return t, err
	}
	if err := checkTarget(t); err != nil {
		return t, err
	}
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		id, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		if id == "" {
			t.ID, t.Active = duoyun.NewID(s.now()), true
			id = t.ID
			subject, err := s.store.IncidentSubject(ctx, tx, t.ResourceID, t.PoolID)
			if err != nil {
				return err
			}
			if t.PoolID != "" { // a resource's target finds its pool through the resource
				t.PoolID = subject.PoolID
			}
			t.ResourceID = subject.ResourceID
			if err := s.store.InsertTarget(ctx, tx, t); err != nil {
				return err
			}
			if err := s.store.Audit(ctx, tx, s.entry(ctx, actor, "probe.watch", "probe_target", id)); err != nil {
				return err
			}
			if err := s.store.Remember(ctx, tx, actor, once, id); err != nil {
				return err
			}
		}
		t, err = s.store.Target(ctx, tx, id)
		return err
	})
	return t, err
}

func checkTarget(t duoyun.ProbeTarget) error {
	var f duoyun.Faults
	if (t.ResourceID == "") == (t.PoolID == "") {
		f.Add("resource_id", t.ResourceID, "须写明资源或资源池之一", "either a resource or a pool is named")
	}
	switch t.Method {
	case "tcp":
		if _, _, err := net.SplitHostPort(t.Address); err != nil {
			f.Add("address", t.Address, "应为 主机:端口", "must be host:port")
		}
	case "http":
		if !strings.HasPrefix(t.Address, "http://") && !strings.HasPrefix(t.Address, "https://") {
			f.Add("address", t.Address, "应以 http:// 或 https:// 开头", "must begin with http:// or https://")
		}
	case "cloud":
		if t.PoolID == "" {
			f.Add("pool_id", "", "云接口探测须写明资源池", "the method cloud needs a pool")
		}
	default:
		f.Add("method", t.Method, "应为 tcp、http 或 cloud", "must be tcp, http or cloud")
	}
	if t.Vantage != "extranet" && t.Vantage != "internet" {
		f.Add("vantage", t.Vantage, "应为 extranet 或 internet", "must be extranet or internet")
	}
	if t.Name == "" || len(t.Name) > 120 || len(t.Address) > 300 {
		f.Add("name", t.Name, "须有名称，不超过 120 字节；地址不超过 300 字节", "a name of at most 120 bytes, an address of at most 300")
	}
	return f.Err()
}

// Unwatch ends the probing of a target; its results stay.
func (s *Service) Unwatch(ctx context.Context, actor duoyun.Actor, id string) error {
	if err := actor.Need(duoyun.RoleProcurement, duoyun.RoleSystemAdmin); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := s.store.SetTargetActive(ctx, tx, id, false); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, s.entry(ctx, actor, "probe.unwatch", "probe_target", id))
	})
}

// Targets lists probe targets of resources in scope and, for suppliers and whoever sees the whole tree, of pools.
func (s *Service) Targets(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.ProbeTarget], error) {
	roles := append(readers(), duoyun.RoleSystemAdmin)
	if err := actor.Need(roles...); err != nil {
		return duoyun.Listing[duoyun.ProbeTarget]{}, err
	}
	return s.store.Targets(ctx, actor.ScopeFor(roles...), p)
}
