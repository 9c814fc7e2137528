//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
)

const (
	listRows    = 1_000_000
	listPage    = 20
	listDeep    = 1_000 // the page that is as quick as the first
	listSamples = 300   // of each page
	listAim     = 20 * time.Millisecond
)

// view is one listing under measurement: whose, of what, and its rows' condition in SQL.
type view struct {
	name  string
	login string
	query url.Values
	rows  string
	deep  bool // it has a thousand pages
}

// TestBenchList measures a page of GET /v1/resources among a million resources of a province of 20 cities with 10
// departments each, over HTTP with everything a person gets, names included. The first city's rows are all older than
// those of any other; one row in fifty is stopped and one in ten thousand is failed.
func TestBenchList(t *testing.T) {
	s := newRig(t, nil, func(city *scenario) {
		for _, login := range []string{"list-root", "list-city", "list-agency", "list-old"} {
			city.People = append(city.People, person{Login: login, Name: login, Role: "auditor", Agency: city.Root.Code})
		}
	})
	s.province(t)
	s.resources(t)
	s.grant(t, "list-root", "p")
	s.grant(t, "list-city", "p/c12")
	s.grant(t, "list-agency", "p/c12/d3")
	s.grant(t, "list-old", "p/c0")
	rare := func(state duoyun.ResourceState) url.Values { return url.Values{"state": {string(state)}} }
	views := []view{
		{"root", "list-root", nil, `a1 = (SELECT id FROM agencies WHERE code = 'p')`, true},
		{"city", "list-city", nil, `a2 = (SELECT id FROM agencies WHERE code = 'p/c12')`, true},
		{"one agency", "list-agency", nil, `a3 = (SELECT id FROM agencies WHERE code = 'p/c12/d3')`, false},
		{"subtree, all oldest", "list-old", nil, `a2 = (SELECT id FROM agencies WHERE code = 'p/c0')`, true},
		{"a state of 2 in 100, root", "list-root", rare(duoyun.ResourceStopped), `state = 'stopped'`, true},
		{"a state of 1 in 10,000, root", "list-root", rare(duoyun.ResourceFailed), `state = 'failed'`, false},
		{"a state of 1 in 10,000, old subtree", "list-old", rare(duoyun.ResourceFailed), `state = 'failed' AND a2 = (SELECT id FROM agencies WHERE code = 'p/c0')`, false},
		{"one agency of root, by query", "list-root", url.Values{"agency": {"p/c0/d3"}}, `a3 = (SELECT id FROM agencies WHERE code = 'p/c0/d3')`, false},
	}
	for _, v := range views {
		s.pages(t, v)
	}
}

// province makes the agencies: p, p/c0 … p/c19, and below each d0 … d9.
func (s *rig) province(t *testing.T) {
	t.Helper()
	const insert = `INSERT INTO agencies (id, code, name, short, parent_id, depth, a1, a2, a3, a4, approver_id, payer_id) `
	s.exec(t, insert+`SELECT x, 'p', 'p', 'p', NULL, 1, x, '', '', '', x, x FROM (SELECT gen_random_uuid()::text AS x) AS g`)
	s.exec(t, insert+`SELECT g.x, g.code, g.code, g.code, p.id, 2, p.id, g.x, '', '', g.x, g.x FROM agencies p,
		(SELECT gen_random_uuid()::text AS x, 'p/c' || i AS code FROM generate_series(0, 19) AS i) AS g WHERE p.code = 'p'`)
	s.exec(t, insert+`SELECT g.x, g.code, g.code, g.code, c.id, 3, c.a1, c.id, g.x, '', g.x, g.x FROM agencies c,
		LATERAL (SELECT gen_random_uuid()::text AS x, c.code || '/d' || i AS code FROM generate_series(0, 9) AS i) AS g WHERE c.code LIKE 'p/c%'`)
}

// resources fills the table. Ids ascend with time as UUIDv7 do; without triggers and with indexes made afterwards it
// takes a minute rather than five.
func (s *rig) resources(t *testing.T) {
	t.Helper()
	indexes := s.texts(t, `SELECT indexdef FROM pg_indexes WHERE tablename = 'resources' AND indexdef NOT LIKE '%UNIQUE%'`)
	for _, name := range s.texts(t, `SELECT indexname FROM pg_indexes WHERE tablename = 'resources' AND indexdef NOT LIKE '%UNIQUE%'`) {
		s.exec(t, `DROP INDEX `+name)
	}
	c, err := s.db.Conn(t.Context())
	must(t, err)
	defer c.Close()
	_, err = c.ExecContext(t.Context(), `SET session_replication_role = replica`)
	must(t, err)
	_, err = c.ExecContext(t.Context(), fmt.Sprintf(`INSERT INTO resources (id, number, line, ordinal, kind, name, agency_id, a1, a2, a3, a4, payer_id,
		system_id, supplier_id, pool_id, contract_id, zone, state, spec, monthly_fen, vendor_id, parts, addresses, observed, period, created_at, updated_at)
		SELECT '01890000-' || lpad(to_hex(n >> 16), 4, '0') || '-7' || lpad(to_hex((n >> 4) & 4095), 3, '0') || '-8' || lpad(to_hex(n & 15), 3, '0') || '-' || right(md5(n::text), 12),
			'P' || n, 'app', n %% 7 + 1, 'server', 'app-' || n, d.id, d.a1, d.a2, d.a3, '', d.id, NULL, p.supplier_id, p.id, NULL, 'extranet_public',
			CASE WHEN n %% 10000 = 7 THEN 'failed' WHEN n %% 50 = 8 THEN 'stopped' ELSE 'running' END,
			'{"vcpu":4,"ram_gib":16,"system_disk_gib":100,"image":"kylin-v10"}', 28000, md5(n::text), '{"port":"' || md5(n::text) || '"}', '["10.1.2.3"]', '', '{}',
			timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' + n * interval '1 second'
		FROM generate_series(1, %d) AS n
		JOIN agencies d ON d.code = CASE WHEN n <= %d THEN 'p/c0/d' || n %% 10 ELSE 'p/c' || n %% 19 + 1 || '/d' || n / 19 %% 10 END,
		(SELECT id, supplier_id FROM pools ORDER BY code LIMIT 1) AS p`, listRows, listRows/20))
	must(t, err)
	for _, definition := range indexes {
		s.exec(t, definition)
	}
	s.exec(t, `VACUUM ANALYZE resources`)
}

// grant moves an auditor to an agency that the scenario does not know.
func (s *rig) grant(t *testing.T, login, agency string) {
	t.Helper()
	s.exec(t, `UPDATE grants SET agency_id = (SELECT id FROM agencies WHERE code = $2) WHERE user_id = (SELECT id FROM users WHERE login = $1)`, login, agency)
}

func (s *rig) texts(t *testing.T, query string) (all []string) {
	t.Helper()
	rows, err := s.db.Query(query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var v string
		must(t, rows.Scan(&v))
		all = append(all, v)
	}
	must(t, rows.Err())
	return all
}

// pages measures the first and the thousandth page of a listing, in turn.
func (s *rig) pages(t *testing.T, v view) {
	t.Helper()
	query := url.Values{"limit": {fmt.Sprint(listPage)}}
	for k, values := range v.query {
		query[k] = values
	}
	deep := url.Values{}
	for k, values := range query {
		deep[k] = values
	}
	if v.deep {
		deep.Set("after", s.text(t, `SELECT id FROM resources WHERE `+v.rows+fmt.Sprintf(` ORDER BY id DESC OFFSET %d LIMIT 1`, (listDeep-1)*listPage-1)))
	}
	var first, last []time.Duration
	for i := range listSamples {
		a, b := s.page(t, v.login, query), time.Duration(0)
		if v.deep {
			b = s.page(t, v.login, deep)
		}
		if i >= listSamples/10 { // the first ones warm caches and connections
			first, last = append(first, a), append(last, b)
		}
	}
	worst := percentile(first, 99)
	text := fmt.Sprintf("page 1: p50 %5.2f p99 %5.2f ms", ms(percentile(first, 50)), ms(worst))
	if v.deep {
		worst = max(worst, percentile(last, 99))
		text += fmt.Sprintf("   page %d: p50 %5.2f p99 %5.2f ms", listDeep, ms(percentile(last, 50)), ms(percentile(last, 99)))
	}
	line("list: %-36s %s   aim p99 ≤ 20 ms %s", v.name, text, verdict(worst <= listAim))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// page fetches one page and returns how long that took; what comes is a whole page, or all there is.
func (s *rig) page(t *testing.T, login string, query url.Values) time.Duration {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.base+"/v1/resources?"+query.Encode(), nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+s.play.tokens[login])
	began := time.Now()
	reply, err := http.DefaultTransport.RoundTrip(r)
	must(t, err)
	raw, err := io.ReadAll(reply.Body)
	took := time.Since(began)
	_ = reply.Body.Close()
	must(t, err)
	var answer struct{ Items []json.RawMessage }
	must(t, json.Unmarshal(raw, &answer))
	if len(answer.Items) == 0 || len(answer.Items) > listPage {
		t.Fatalf("%s %v: %d rows, %s", login, query, len(answer.Items), raw[:min(len(raw), 300)])
	}
	return took
}
