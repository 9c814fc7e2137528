//go:build bench

package main

import (
	"context"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const (
	listRows  = 1_000_000
	listPage  = 50
	deepPage  = 1_000
	listTries = 200
)

// TestBenchList reads first and 1,000th pages of a listing of a million resources, for scopes whose rows lie quite
// differently in the table: all of it, half of them, one agency, a subtree whose rows are the oldest, a rare state.
func TestBenchList(t *testing.T) {
	s := newRig(t, nil, nil)
	s.fill(t)
	scopes := []struct {
		name   string
		agency string
		filter broker.ResourceFilter
	}{
		{"root", "suqian", broker.ResourceFilter{}},
		{"one agency among 61", "suqian/edu", broker.ResourceFilter{}},
		{"an agency whose rows are oldest", "suqian/gov", broker.ResourceFilter{}},
		{"a rare state", "suqian", broker.ResourceFilter{State: duoyun.ResourceFailed}},
	}
	for _, x := range scopes {
		scope := s.scopeOf(t, x.agency)
		firstPage := s.pages(t, scope, x.filter, "")
		deep := s.pages(t, scope, x.filter, s.cursor(t, scope, x.filter))
		line("list: %-31s first page p50 %6.2f ms p99 %6.2f ms, page %d p50 %6.2f ms p99 %6.2f ms   aim p99 ≤ 20 ms %s", x.name,
			ms(percentile(firstPage, 50)), ms(percentile(firstPage, 99)), deepPage, ms(percentile(deep, 50)), ms(percentile(deep, 99)),
			verdict(max(percentile(firstPage, 99), percentile(deep, 99)) <= 20*time.Millisecond))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// fill writes a million resources: the oldest tenth belong to one agency, the rest are spread over all; one in ten
// thousand has failed.
func (s *rig) fill(t *testing.T) {
	t.Helper()
	s.exec(t, `INSERT INTO resources (id, number, order_id, line, ordinal, kind, name, agency_id, a1, a2, a3, a4, payer_id, supplier_id,
		pool_id, zone, state, spec, monthly_fen, vendor_id, parts, addresses, observed, period, created_at, updated_at)
		SELECT '01900000-' || lpad(to_hex(n), 12, '0'), NULL, NULL, 'l', 1, 'server', 's' || n, a.id, a.a1, a.a2, a.a3, a.a4, a.id, p.supplier_id,
			p.id, 'extranet_public', CASE WHEN n % 10000 = 0 THEN 'failed' ELSE 'running' END,
			'{"vcpu":2,"ram_gib":4,"system_disk_gib":40,"image":"kylin-v10"}', 0, 'v' || n, '{}', '[]', '', '{}', now(), now()
		FROM generate_series(1, $1::int) n
		JOIN (SELECT row_number() OVER (ORDER BY code) AS r, * FROM agencies WHERE depth = 2) a
			ON a.r = CASE WHEN n <= $1::int / 10 THEN (SELECT r FROM (SELECT row_number() OVER (ORDER BY code) AS r, code FROM agencies WHERE depth = 2) g WHERE g.code = 'suqian/gov')
				ELSE 1 + n % 61 END
		CROSS JOIN (SELECT id, supplier_id FROM pools ORDER BY code LIMIT 1) p`, listRows)
	s.exec(t, `VACUUM ANALYZE resources`)
}

func (s *rig) scopeOf(t *testing.T, code string) duoyun.Scope {
	t.Helper()
	a, err := s.store.FindAgency(context.Background(), duoyun.Scope{All: true}, code)
	must(t, err)
	return duoyun.Scope{Agencies: []duoyun.Grant{{Role: duoyun.RoleAuditor, AgencyID: a.ID, Depth: a.Depth}}}
}

// pages times one page, again and again.
func (s *rig) pages(t *testing.T, scope duoyun.Scope, f broker.ResourceFilter, after string) []time.Duration {
	t.Helper()
	var all []time.Duration
	for range listTries {
		began := time.Now()
		_, err := s.store.Resources(context.Background(), scope, f, duoyun.Page{Limit: listPage, After: after})
		all = append(all, time.Since(began))
		must(t, err)
	}
	return all
}

// cursor walks to where the 1,000th page begins, or the last page of a shorter listing.
func (s *rig) cursor(t *testing.T, scope duoyun.Scope, f broker.ResourceFilter) string {
	t.Helper()
	after := ""
	for left := deepPage * listPage; left > 0; left -= 500 {
		l, err := s.store.Resources(context.Background(), scope, f, duoyun.Page{Limit: 500, After: after})
		must(t, err)
		if l.Next == "" {
			return after
		}
		after = l.Next
	}
	return after
}
