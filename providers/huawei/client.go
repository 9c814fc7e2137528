package huawei

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicDomain is where Huawei Cloud's own regions are: https://{service}.{region}.myhuaweicloud.com.
const publicDomain = "myhuaweicloud.com"

// The services by the names that their hosts begin with.
const (
	ecs = "ecs"
	evs = "evs"
	ims = "ims"
	vpc = "vpc"
	elb = "elb"
	rds = "rds"
	dcs = "dcs"
	ces = "ces"
	bss = "bss"
	obs = "obs"
)

// operation is one call: its path has {p} where the project's id stands.
type operation struct {
	service, method, path string
	query                 url.Values
	body                  any
	token                 string // of Call, for the calls that take X-Client-Token
}

// answer is a refusal, or an error that came with HTTP 200 as the billing service sends them.
type answer struct {
	status        int
	code, message string
	requestID     string
}

func (a *answer) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s (request %s)", a.status, a.code, a.message, a.requestID)
}

// isRead tells the transport what changes nothing: all GETs, and the queries and price inquiries that are POSTs.
func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/query") ||
		strings.HasSuffix(r.URL.Path, "/batch-query-metric-data") || strings.Contains(r.URL.Path, "/bills/ratings/")
}

// endpoint is where a service is. An account's endpoint is the cloud's root domain, or a URL at which all services are.
// The billing service has no region.
func (c *Cloud) endpoint(service string) string {
	root := c.account.Endpoint
	switch {
	case c.account.Endpoints[service] != "":
		return strings.TrimSuffix(c.account.Endpoints[service], "/")
	case strings.Contains(root, "://"):
		return strings.TrimSuffix(root, "/")
	case root == "":
		root = publicDomain
	}
	if service == bss {
		return "https://" + service + "." + root
	}
	return "https://" + service + "." + c.account.Region + "." + root
}

// call sends one operation and decodes what it answers into reply, unless that is nil. It is sent once.
func (c *Cloud) call(ctx context.Context, o operation, reply any) (requestID string, err error) {
	r, err := c.signed(ctx, o)
	if err != nil {
		return "", table.Refuse(driver.Invalid, err) // nothing was sent
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	requestID = resp.Header.Get("X-Request-Id")
	if refused := refusal(o.service, resp.StatusCode, raw, requestID); refused != nil {
		return requestID, refused
	}
	if reply == nil || len(raw) == 0 && o.method == http.MethodDelete {
		return requestID, nil // some deletions answer with a job, some with nothing
	}
	return requestID, json.Unmarshal(raw, reply)
}

// signed builds and signs a request with the SDK's core. The SDK's own client is left out: it takes no context, so that
// nothing could be cancelled, and its replies would be typed. The body is signed as the text that is sent.
func (c *Cloud) signed(ctx context.Context, o operation) (*http.Request, error) {
	b := request.NewHttpRequestBuilder().WithEndpoint(c.endpoint(o.service)).WithMethod(o.method).
		WithPath(strings.Replace(o.path, "{p}", c.account.Project, 1))
	if o.service != bss {
		b.AddHeaderParam("X-Project-Id", c.account.Project)
	}
	if c.account.Domain != "" && o.service == bss {
		b.AddHeaderParam("X-Domain-Id", c.account.Domain)
	}
	if o.token != "" {
		b.AddHeaderParam("X-Client-Token", tokenID(o.token))
	}
	for name, values := range o.query {
		b.AddQueryParam(name, reflect.ValueOf(values)) // which the SDK sends as name=value for each
	}
	if o.body != nil {
		raw, err := json.Marshal(o.body)
		if err != nil {
			return nil, err
		}
		b.AddHeaderParam("Content-Type", "application/json").WithBody("", string(raw))
	}
	r := b.Build()
	headers, err := signer.Sign(r, c.account.AccessKey, c.account.Secret.Reveal())
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		r.AddHeaderParam(name, value)
	}
	h, err := r.ConvertRequest()
	if err != nil {
		return nil, err
	}
	return h.WithContext(ctx), nil
}

// tokenID makes an idempotency token into a UUID, the form that RDS documents for X-Client-Token and that ECS and EVS
// take: the same for the same token.
func tokenID(token string) string {
	sum := sha256.Sum256([]byte(token))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8, RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// refusal reads an error in any of the forms the services have: {"error":{"code","message"}} (ECS, EVS),
// {"code","message"} (VPC, EIP), {"error_code","error_msg"} (the gateway, ELB, RDS, DCS, BSS). The billing service
// answers business errors with HTTP 200; a job of ECS has an error_code of its own there.
func refusal(service string, status int, raw []byte, requestID string) error {
	if status < 300 && service != bss {
		return nil
	}
	var e struct {
		Code, Message any
		ErrorCode     string `json:"error_code"`
		ErrorMsg      string `json:"error_msg"`
		Error         struct{ Code, Message any }
	}
	err := json.Unmarshal(raw, &e)
	a := &answer{status: status, code: e.ErrorCode, message: e.ErrorMsg, requestID: requestID}
	if a.code == "" {
		a.code, a.message = text(e.Error.Code), text(e.Error.Message)
	}
	if a.code == "" && status >= 300 {
		a.code, a.message = text(e.Code), text(e.Message)
	}
	if status < 300 && (err != nil || a.code == "" || a.code == "CBC.0000") {
		return nil // what cannot be read fails where it is decoded
	}
	return a
}

// text is a JSON string or number as text: Nova's codes are numbers.
func text(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case float64:
		return fmt.Sprintf("%.0f", t)
	}
	return ""
}

var (
	errNoListing = errors.New("the answer holds no listing")
	errNoObject  = errors.New("the answer does not hold what was asked for")
	errNoID      = errors.New("the answer holds no id of what was made")
)

// pageSize is how much of a listing is asked for at once: what every service takes but RDS.
const pageSize = "1000"

// after is the query for the page of a listing that begins after the thing with the id cursor.
func after(cursor string) url.Values {
	q := url.Values{"limit": {pageSize}}
	if cursor != "" {
		q.Set("marker", cursor)
	}
	return q
}

// ours is after for the listings that otherwise may show only the default enterprise project, where the account's things
// are in another (api-ecs, api-evs, api-vpc, api-eip, api-elb: enterprise_project_id of the listings).
func (c *Cloud) ours(cursor string) url.Values {
	q := after(cursor)
	if c.account.ResourceGroup != "" {
		q.Set("enterprise_project_id", "all_granted_eps")
	}
	return q
}

// paged ends the reading of a page by marker. A page that is short may have been cut by the service, so that only an empty
// one is the end; an answer without a listing is none: it must not pass for an empty one, which proves absence.
func paged[T any](all []T, id func(T) string, err error) (page []T, next string, _ error) {
	switch {
	case err != nil:
		return nil, "", err
	case all == nil:
		return nil, "", errNoListing
	case len(all) > 0:
		next = id(all[len(all)-1])
	}
	return all, next, nil
}

// overlapped pages by offset where a service has no markers. Each page begins with the last thing of the one before it:
// where it does not, something came or went meanwhile, and the listing is not whole. A cursor is "offset id".
func overlapped[T any](cursor string, id func(T) string, fetch func(offset int) ([]T, error)) (page []T, next string, partial bool, _ error) {
	offset, last := 0, ""
	if cursor != "" {
		if _, err := fmt.Sscanf(cursor, "%d %s", &offset, &last); err != nil {
			return nil, "", false, err
		}
	}
	all, err := fetch(offset)
	switch {
	case err != nil:
		return nil, "", false, err
	case all == nil:
		return nil, "", false, errNoListing
	case cursor != "" && (len(all) == 0 || id(all[0]) != last):
		return all, "", true, nil
	case cursor != "":
		all, offset = all[1:], offset+1
	}
	if len(all) > 0 {
		next = fmt.Sprintf("%d %s", offset+len(all)-1, id(all[len(all)-1]))
	}
	return all, next, false, nil
}

// everything reads every page of a listing that a step chooses from: sizes, images, members.
func everything[T any](page func(cursor string) ([]T, string, error)) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		items, next, err := page(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" || next == cursor {
			return all, nil
		}
		cursor = next
	}
}

// raw keeps the vendor's own words that a dispute may need; nothing secret is given to it.
func raw(v any) json.RawMessage {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		return nil // a plain map of strings always encodes
	}
	return bytes.TrimSpace(b.Bytes())
}
