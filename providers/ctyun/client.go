package ctyun

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// The products of the open platform, each at a host of its own.
const (
	ecs   = "ctecs"
	ebs   = "ctebs"
	vpc   = "ctvpc"
	elb   = "ctelb"
	ims   = "ctimage"
	zos   = "zos"
	redis = "dcs2"
	mysql = "rds2"
	pgsql = "pgsql"
)

// args are the query of a GET or the body of a POST.
type args map[string]any

// request is one call of an API.
type request struct {
	product, method, path string
	args                  args
	inst                  string // MySQL's APIs want the instance in a header too
	reads                 bool   // it changes nothing, whatever its method
}

func get(product, path string, a args) request {
	return request{product: product, method: http.MethodGet, path: path, args: a, reads: true}
}

// ask is a reading by POST.
func ask(product, path string, a args) request {
	return request{product: product, method: http.MethodPost, path: path, args: a, reads: true}
}

func post(product, path string, a args) request {
	return request{product: product, method: http.MethodPost, path: path, args: a}
}

// readKey marks the context of a request that changes nothing: the vendor reads by POST and, of databases, releases by GET.
type readKey struct{}

func isRead(r *http.Request) bool { return r.Context().Value(readKey{}) != nil }

// answer is what a successful call returned.
type answer struct {
	result  json.RawMessage // returnObj; of databases' orders: data
	request string
}

// decode reads the result into out; what is not of out's form is no answer.
func (a answer) decode(out any) error {
	if len(a.result) == 0 || string(a.result) == "null" {
		return fmt.Errorf("%w: there is no result", errGarbled)
	}
	if err := json.Unmarshal(a.result, out); err != nil {
		return fmt.Errorf("%w: %w", errGarbled, err)
	}
	return nil
}

// send makes one call. It never sends twice.
func (c *Cloud) send(ctx context.Context, r request) (answer, error) {
	if r.reads {
		ctx = context.WithValue(ctx, readKey{}, true)
	}
	req, err := c.signed(ctx, r)
	if err != nil {
		return answer{}, table.Unsent(Code, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return parse(r.path, resp.StatusCode, raw)
}

// fetch is send for what is read into out.
func (c *Cloud) fetch(ctx context.Context, r request, out any) error {
	a, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return a.decode(out)
}

// signed makes the HTTP request. Beside what EOP asks for it names a client: the vendor's own does so because requests
// that do not are held for risk control.
func (c *Cloud) signed(ctx context.Context, r request) (*http.Request, error) {
	a := maps.Clone(r.args)
	if a == nil {
		a = args{}
	}
	if c.regional(r.product) {
		a["regionID"] = c.account.Region
	}
	query, body := "", []byte(nil)
	if r.method == http.MethodGet {
		values := url.Values{}
		for k, v := range a {
			values.Set(k, fmt.Sprint(v))
		}
		query = values.Encode()
	} else {
		var err error
		if body, err = json.Marshal(a); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base(r.product)+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = query
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "duoyun")
	if !c.regional(r.product) {
		h.Set("regionId", c.account.Region)
	}
	if r.inst != "" {
		h.Set("inst-id", r.inst)
	}
	id := requestID()
	date := time.Now().In(duoyun.Civil).Format(eopDate)
	h.Set("ctyun-eop-request-id", id)
	h.Set("Eop-date", date)
	h.Set("Eop-Authorization", fmt.Sprintf("%s Headers=ctyun-eop-request-id;eop-date Signature=%s", c.account.AccessKey,
		sign(c.account.AccessKey, c.account.Secret.Reveal(), id, date, query, body)))
	return req, nil
}

// regional reports whether a product takes the region as the argument regionID; the others take it in a header.
func (c *Cloud) regional(product string) bool {
	return product != redis && product != mysql && product != pgsql
}

// base is the URL of a product: the account's own, that of its endpoint or, of a root domain, the vendor's host names.
func (c *Cloud) base(product string) string {
	if own := c.account.Endpoints[product]; own != "" {
		return strings.TrimSuffix(own, "/")
	}
	root := c.account.Endpoint
	switch {
	case strings.Contains(root, "://"):
		return strings.TrimSuffix(root, "/")
	case root == "":
		root = "ctapi.ctyun.cn"
	}
	return "https://" + product + "-global." + root
}

// eopDate is Beijing's time of day with a literal Z.
const eopDate = "20060102T150405Z"

// sign is EOP's signature: neither method nor path is in it. The key is derived from the secret by the time, the access
// key and the day.
func sign(key, secret, id, date, query string, body []byte) string {
	sum := sha256.Sum256(body)
	text := "ctyun-eop-request-id:" + id + "\neop-date:" + date + "\n\n" + query + "\n" + hex.EncodeToString(sum[:])
	k := hash([]byte(secret), date)
	k = hash(k, key)
	k = hash(k, date[:8])
	return base64.StdEncoding.EncodeToString(hash(k, text))
}

func hash(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// token is a call's client token. Whoever cleans up without a step to his name gets one that nobody had before, since the
// vendor asks for one everywhere.
func token(c driver.Call) string {
	if c.Token != "" {
		return c.Token
	}
	return requestID()
}

// text is a JSON string or number as text: the vendor's products do not agree on which of them a status, code or time is.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch {
	case string(raw) == "null":
		return nil
	case len(raw) > 0 && raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		*t = text(s)
		return err
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	*t = text(n)
	return err
}

// when reads the vendor's times: milliseconds since 1970, ISO 8601, or Beijing's without a zone; what is none of these is
// the zero time.
func (t text) when() time.Time {
	var ms int64
	if _, err := fmt.Sscanf(string(t), "%d", &ms); err == nil && ms > 1e11 && fmt.Sprint(ms) == string(t) {
		return time.UnixMilli(ms).UTC()
	}
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		return at.UTC()
	}
	if at, err := time.ParseInLocation(time.DateTime, string(t), duoyun.Civil); err == nil {
		return at.UTC()
	}
	return time.Time{}
}

// project is the enterprise project that what is bought is booked on.
func (c *Cloud) project(a args) args {
	if c.account.ResourceGroup != "" {
		a["projectID"] = c.account.ResourceGroup
	}
	return a
}

// ordered is what a call answers with that knows no id yet: the order.
const ordered = "masterOrderID"

// mutate sends the one wire mutation of a call and reads from the reply the order and the id under key; "" is a call that
// makes nothing, ordered one that makes what the order will name.
func (c *Cloud) mutate(ctx context.Context, r request, key string) (driver.Reply, error) {
	a, err := c.send(ctx, r)
	if err != nil {
		return driver.Reply{}, err
	}
	reply := driver.Reply{RequestID: a.request}
	made, err := first(a.result)
	if key == "" {
		reply.OrderID = order(made)
		return reply, nil
	}
	if err != nil {
		return reply, err
	}
	reply.OrderID = order(made)
	if key != ordered {
		reply.ID = string(member(made, key))
	}
	if reply.OrderID == "" && reply.ID == "" {
		return reply, fmt.Errorf("%w: neither %s nor an order", errGarbled, key)
	}
	return reply, nil
}

// order is the id of the order a reply speaks of.
func order(made map[string]json.RawMessage) string {
	return string(member(made, "masterOrderID") + member(made, "newOrderId"))
}

// first reads a result that is one object, or a list of one.
func first(raw json.RawMessage) (one map[string]json.RawMessage, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '[' {
		var many []map[string]json.RawMessage
		if err := json.Unmarshal(raw, &many); err != nil {
			return nil, fmt.Errorf("%w: %w", errGarbled, err)
		}
		if len(many) > 0 {
			return many[0], nil
		}
		return nil, nil
	}
	if err := json.Unmarshal(raw, &one); err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	}
	return one, nil
}

// member reads a text of an object; "" where it is none.
func member(of map[string]json.RawMessage, key string) (t text) {
	if raw, ok := of[key]; ok && json.Unmarshal(raw, &t) != nil {
		return ""
	}
	return t
}
