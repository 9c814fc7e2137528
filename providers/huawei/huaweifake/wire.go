package huaweifake

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

type object = map[string]any

// refusal is an error as a service words it.
type refusal struct {
	status     int
	code, text string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.code, r.text) }

// service is how one service words its errors: its codes for the usual causes, and the form of the body.
type service struct {
	*Fake
	word                                       func(code, text string) any
	bad, missing, conflict, quota, soldOut     string
	conflictStatus, quotaStatus, soldOutStatus int
	tokens                                     tokenRules
}

// tokenRules are how a service takes X-Client-Token: its codes for one that is no UUID, that came with another request, and
// that has outlived life. A service without expired forgets a token then.
type tokenRules struct {
	malformed, reused, expired string
	life                       time.Duration
}

// The forms in which the services word an error.
func nested(code, text string) any {
	return object{"error": object{"code": code, "message": text}}
}
func plain(code, text string) any { return object{"code": code, "message": text} }
func flat(code, text string) any  { return object{"error_code": code, "error_msg": text} }

// call is one authenticated request.
type call struct {
	*service
	r     *http.Request
	raw   []byte // its body
	owner simcloud.Owner
}

// route serves a pattern below a service. The path's project must be the account's.
func (s *service) route(pattern string, h func(*call) (status int, body any, err error)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return // the caller has gone
		}
		c := &call{s, r, raw, s.Owner()}
		if p := r.PathValue("project"); p != "" && p != Project {
			answer(w, http.StatusForbidden, s.word(s.bad, "the project "+p+" is not the key's"))
			return
		}
		status, body, err := s.once(c, func() (int, any, error) { return h(c) })
		if err != nil {
			refused := s.translate(err)
			answer(w, refused.status, s.word(refused.code, refused.text))
			return
		}
		answer(w, status, body)
	})
}

func (s *service) translate(err error) *refusal {
	var known *refusal
	var e *simcloud.Error
	switch {
	case errors.As(err, &known):
		return known
	case !errors.As(err, &e):
		return &refusal{http.StatusInternalServerError, s.bad, err.Error()}
	}
	switch e.Reason {
	case simcloud.Missing:
		return &refusal{http.StatusNotFound, s.missing, e.Error()}
	case simcloud.Exceeded:
		return &refusal{s.quotaStatus, s.quota, "Quota exceeded for resources: " + e.Error()}
	case simcloud.SoldOut:
		return &refusal{s.soldOutStatus, s.soldOut, "Insufficient capacity. " + e.Error()}
	case simcloud.Invalid:
		return &refusal{http.StatusBadRequest, s.bad, e.Error()}
	}
	return &refusal{s.conflictStatus, s.conflict, "The resource is in use or already exists, or its status must be another: " + e.Error()}
}

func answer(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(raw) // the caller has gone
}

var uuid = regexp.MustCompile("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

// remembered is the answer that a client token got.
type remembered struct {
	request string
	status  int
	body    any
	at      time.Time
}

// once answers a client token that has been seen as it was answered then, and refuses it with other parameters. A refused
// call leaves its token unused.
func (s *service) once(c *call, do func() (int, any, error)) (int, any, error) {
	token := c.r.Header.Get("X-Client-Token")
	if token == "" || s.tokens.life == 0 {
		return do() // the service knows no tokens
	}
	if !uuid.MatchString(token) {
		return 0, nil, &refusal{http.StatusBadRequest, s.tokens.malformed, "X-Client-Token is not a UUID"}
	}
	s.mu.Lock()
	seen, ok := s.seen[token]
	s.mu.Unlock()
	request := c.r.URL.Path + "\n" + string(c.raw)
	switch {
	case ok && s.sim.Now().Sub(seen.at) > s.tokens.life:
		if s.tokens.expired != "" {
			return 0, nil, &refusal{http.StatusBadRequest, s.tokens.expired, "X-Client-Token has expired"}
		}
	case ok && seen.request != request:
		return 0, nil, &refusal{http.StatusBadRequest, s.tokens.reused, "X-Client-Token came with another request before"}
	case ok:
		return seen.status, seen.body, nil
	}
	status, body, err := do()
	if err == nil {
		s.mu.Lock()
		s.seen[token] = remembered{request, status, body, s.sim.Now()}
		s.mu.Unlock()
	}
	return status, body, err
}

func (c *call) invalid(text string, args ...any) error {
	return &refusal{http.StatusBadRequest, c.bad, fmt.Sprintf(text, args...)}
}

// read decodes the body; a parameter that in does not know, or of another type, is refused.
func (c *call) read(in any) error {
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return c.invalid("request body is illegal: %v", err)
	}
	return nil
}

// need refuses a call without one of its required parameters, given as name, value, name, value.
func (c *call) need(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return c.invalid("%s is required", pairs[i])
		}
	}
	return nil
}

func (c *call) id() string { return c.r.PathValue("id") }

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// number reads a query parameter; most caps it and is the default.
func (c *call) number(name string, most int) (int, error) {
	text := c.query(name)
	if text == "" {
		return most, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, c.invalid("%s must be a number", name)
	}
	return n, nil
}

// limit is the page size that a call asks for, within what the service and the fake allow.
func (c *call) limit(most int) (int, error) {
	n, err := c.number("limit", most)
	if c.options.MaxPage > 0 {
		most = min(most, c.options.MaxPage)
	}
	return min(n, most), err
}

// verify checks the gateway's signature SDK-HMAC-SHA256 (devg-apisign): over the headers that the request itself lists.
func verify(r *http.Request, now time.Time) *refusal {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	fields := map[string]string{}
	for _, f := range strings.Split(rest, ", ") {
		k, v, _ := strings.Cut(f, "=")
		fields[k] = v
	}
	if scheme != "SDK-HMAC-SHA256" || fields["Access"] != AccessKey {
		return &refusal{http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: ak " + fields["Access"] + " not exist"}
	}
	date := r.Header.Get("X-Sdk-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil || now.Sub(at).Abs() > 15*time.Minute {
		return &refusal{http.StatusUnauthorized, "APIGW.0303", "Incorrect app authentication information: the request has expired"}
	}
	canonical, err := canonicalRequest(r, strings.Split(fields["SignedHeaders"], ";"))
	if err != nil || !strings.Contains(";"+fields["SignedHeaders"]+";", ";x-sdk-date;") {
		return &refusal{http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: signed headers"}
	}
	text := "SDK-HMAC-SHA256\n" + date + "\n" + hexHash([]byte(canonical))
	h := hmac.New(sha256.New, []byte(SecretKey))
	h.Write([]byte(text))
	if !hmac.Equal([]byte(hex.EncodeToString(h.Sum(nil))), []byte(fields["Signature"])) {
		return &refusal{http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail"}
	}
	return nil
}

// canonicalRequest is the text that is hashed: the path ends in "/", the query is sorted and encoded strictly. The body is
// put back.
func canonicalRequest(r *http.Request, signed []string) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	segments := strings.Split(r.URL.Path, "/")
	for i, s := range segments {
		segments[i] = encode(s)
	}
	path := strings.Join(segments, "/")
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	headers := ""
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers += name + ":" + strings.TrimSpace(value) + "\n"
	}
	hash := r.Header.Get("X-Sdk-Content-Sha256")
	if hash == "" {
		hash = hexHash(body)
	}
	return strings.Join([]string{r.Method, path, canonicalQuery(r.URL.Query()), headers, strings.Join(signed, ";"), hash}, "\n"), nil
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, encode(name)+"="+encode(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// encode is the encoding of RFC 3986.
func encode(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%7E", "~")
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// byMarker answers a page of a listing that goes on after the thing whose id is the marker.
func byMarker[T any, P simcloud.Noun[T]](c *call, q simcloud.Query, most int, keep func(*T) bool, view func(*T) object) (views []object, next string, err error) {
	limit, err := c.limit(most)
	if err != nil {
		return nil, "", err
	}
	q.Owner, q.Own, q.After, q.Limit = c.owner, true, c.query("marker"), limit
	found, err := simcloud.List[T, P](c.sim, q, keep)
	if err != nil {
		return nil, "", err
	}
	views = make([]object, len(found))
	for i, x := range found {
		views[i] = view(x)
	}
	if len(found) == limit && limit > 0 {
		next = P(found[limit-1]).Self().ID
	}
	return views, next, nil
}

// byOffset answers a page of a listing, the newest first, from an offset on.
func byOffset[T any, P simcloud.Noun[T]](c *call, most int, view func(*T) object) (views []object, total int, err error) {
	limit, err := c.limit(most)
	if err != nil {
		return nil, 0, err
	}
	offset, err := c.number("offset", 0)
	if err != nil {
		return nil, 0, err
	}
	all, err := simcloud.List[T, P](c.sim, simcloud.Query{Owner: c.owner, Own: true, Newest: true}, nil)
	if err != nil {
		return nil, 0, err
	}
	views = []object{}
	for _, x := range all[min(offset, len(all)):min(offset+limit, len(all))] {
		views = append(views, view(x))
	}
	return views, len(all), nil
}

// info is ELB's and VPC v3's word on the pages around one.
func info(next string, n int) object {
	page := object{"current_count": n}
	if next != "" {
		page["next_marker"] = next
	}
	return page
}

// when writes a time as most services do.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// term reads how long a subscription is bought for; months below 0 is refused.
func (c *call) term(mode, unit string, n int) (simcloud.Purchase, error) {
	switch {
	case mode == "" || mode == "postPaid":
		return simcloud.Purchase{}, nil
	case unit == "month" && n >= 1 && n <= 9:
		return simcloud.Purchase{Months: n}, nil
	case unit == "year" && n >= 1 && n <= 3:
		return simcloud.Purchase{Months: 12 * n}, nil
	}
	return simcloud.Purchase{}, c.invalid("the period %s %d is not sold", unit, n)
}

// order puts the order of a subscription into the ledger.
func (f *Fake) order(kind string, ids ...string) (string, error) {
	id := "CS" + f.sim.Now().UTC().Format("0601021504") + strings.ToUpper(randomID()[:6])
	o, err := f.sim.PlaceOrder(simcloud.Order{Object: simcloud.Object{ID: id, Owner: f.Owner()}, Type: kind, ResourceIDs: ids})
	if err != nil {
		return "", err
	}
	return o.ID, nil
}
