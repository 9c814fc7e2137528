package aliyunfake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // signature version 1.0 is HMAC-SHA1
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// window is how far a request's timestamp may be from the service's clock (help.aliyun.com/en/document_detail/434846.html).
const window = 15 * time.Minute

// tokenLife is how long an answer is kept by its client token. The vendor does not say; a driver must live with any.
const tokenLife = time.Hour

// maxBody is more than any request of a driver.
const maxBody = 1 << 20

// products by the version their requests name.
func products() map[string]string {
	return map[string]string{"2014-05-26": "Ecs", "2016-04-28": "Vpc", "2014-05-15": "Slb", "2014-08-15": "Rds", "2015-01-01": "R-kvstore",
		"2019-01-01": "Cms", "2017-12-14": "BssOpenApi"}
}

// envelope are the parameters that every call has.
func envelope() []string {
	return []string{"AccessKeyId", "Action", "Format", "RegionId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureType", "SignatureVersion",
		"Timestamp", "Version", "Department", "OrganizationId", "ResourceGroup"}
}

type originalKey struct{}

// original is a call as it came.
type original struct {
	method string
	in     url.Values // query and form together
}

// told makes a call what the fault layer can tell from others.
func told(r *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	in, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for name, values := range form {
		in[name] = append(in[name], values...)
	}
	product := products()[in.Get("Version")]
	shown := url.Values{}
	for name, values := range in {
		if !slices.Contains([]string{"Signature", "SignatureNonce", "Timestamp"}, name) {
			shown[name] = values
		}
	}
	seen := r.Clone(context.WithValue(r.Context(), originalKey{}, original{r.Method, in}))
	seen.URL = &url.URL{Path: "/" + product + "/" + in.Get("Action"), RawQuery: shown.Encode()}
	seen.Body = io.NopCloser(bytes.NewReader(body))
	seen.Header.Set("Authorization", in.Get("AccessKeyId"))
	if seen.Method = http.MethodPost; reads(in.Get("Action")) {
		seen.Method = http.MethodGet
	}
	return seen, nil
}

func reads(action string) bool {
	for _, verb := range []string{"Describe", "Query", "Get", "List"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

// refusal is an error as the vendor words it.
type refusal struct {
	status     int
	code, text string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.code, r.text) }

func refuse(status int, code, text string, args ...any) refusal {
	return refusal{status, code, fmt.Sprintf(text, args...)}
}

// invalid refuses a parameter.
func invalid(name, text string, args ...any) refusal {
	return refuse(http.StatusBadRequest, "InvalidParameter."+name, text, args...)
}

type object = map[string]any

// call is one authenticated request.
type call struct {
	*Fake
	action action
	in     url.Values
	owner  simcloud.Owner
}

func (c *call) get(name string) string { return c.in.Get(name) }

func (f *Fake) rpc(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	answer, err := f.answer(r)
	if err != nil {
		fail(w, err, id)
		return
	}
	answer["RequestId"] = id
	send(w, http.StatusOK, answer)
}

// answer checks a call in the order the gateway does: key, signature, time, nonce, action, parameters.
func (f *Fake) answer(r *http.Request) (object, error) {
	o, ok := r.Context().Value(originalKey{}).(original)
	if !ok {
		return nil, refuse(http.StatusInternalServerError, "InternalError", "the request has failed due to some unknown error")
	}
	if err := f.authentic(o); err != nil {
		return nil, err
	}
	a, known := f.actions[products()[o.in.Get("Version")]+"/"+o.in.Get("Action")]
	if !known {
		return nil, refuse(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	region := o.in.Get("RegionId")
	if !slices.ContainsFunc(f.sim.Regions(), func(x simcloud.Region) bool { return x.Name == region }) {
		return nil, refuse(http.StatusNotFound, "InvalidRegionId.NotFound", "The specified RegionId does not exist.")
	}
	if err := a.check(o.in); err != nil {
		return nil, err
	}
	c := &call{Fake: f, action: a, in: o.in, owner: simcloud.Owner{Region: region, Tenant: Account}}
	if token := o.in.Get(a.token); a.token != "" && token != "" {
		return f.idempotent(c, token)
	}
	return a.do(c)
}

func (f *Fake) authentic(o original) error {
	in := o.in
	for _, name := range envelope()[:11] {
		if _, there := in[name]; !there && name != "SignatureType" {
			return refuse(http.StatusBadRequest, "Missing"+name, "%s is mandatory for this action.", name)
		}
		if len(in[name]) > 1 {
			return invalid(name, "it is given twice")
		}
	}
	switch {
	case in.Get("AccessKeyId") != AccessKey:
		return refuse(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
	case in.Get("SignatureMethod") != "HMAC-SHA1" || in.Get("SignatureVersion") != "1.0":
		return refuse(http.StatusBadRequest, "InvalidSignatureMethod", "the signature is of another version")
	case !hmac.Equal([]byte(Sign(o.method, in, Secret)), []byte(in.Get("Signature"))):
		return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", in.Get("Timestamp"))
	if err != nil || time.Since(at).Abs() > window {
		return refuse(http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	}
	return f.fresh(in.Get("SignatureNonce"))
}

// fresh refuses a nonce for as long as a request that bears it could still be in time.
func (f *Fake) fresh(nonce string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, used := f.nonces[nonce]; nonce == "" || used && time.Since(at) < 2*window {
		return refuse(http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
	}
	f.nonces[nonce] = time.Now()
	return nil
}

// Sign is signature version 1.0 of a call's parameters: method, %2F and the encoded canonical query, joined by "&", under
// the secret with "&" after it.
func Sign(method string, in url.Values, secret string) string {
	var names []string
	for name := range in {
		if name != "Signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, encode(name)+"="+encode(in.Get(name)))
	}
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	_, _ = io.WriteString(mac, method+"&%2F&"+encode(strings.Join(pairs, "&"))) // a hash never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode is RFC 3986's percent-encoding: all but the unreserved characters.
func encode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// answered is what a call with a client token brought.
type answered struct {
	params string
	answer object
	at     time.Time
}

// idempotent answers a token that is known with what it brought first.
func (f *Fake) idempotent(c *call, token string) (object, error) {
	own := url.Values{}
	for name, values := range c.in {
		if !slices.Contains(envelope(), name) {
			own[name] = values
		}
	}
	key, params := c.action.product+"/"+c.action.name+"/"+token, own.Encode()
	f.once.Lock()
	defer f.once.Unlock()
	if before, known := f.tokens[key]; known && f.sim.Now().Sub(before.at) < tokenLife {
		if before.params != params {
			return nil, refuse(http.StatusBadRequest, "IdempotentParameterMismatch",
				"The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical.")
		}
		return before.answer, nil
	}
	answer, err := c.action.do(c)
	if err == nil {
		f.tokens[key] = answered{params, answer, f.sim.Now()}
	}
	return answer, err
}

// fail words an error as RPC does.
func fail(w http.ResponseWriter, err error, id string) {
	var r refusal
	var e *simcloud.Error
	switch {
	case errors.As(err, &r):
	case errors.As(err, &e):
		r = translated(e)
	default:
		r = refuse(http.StatusInternalServerError, "InternalError", "%v", err)
	}
	body := object{"RequestId": id, "HostId": "ecs.aliyuncs.com", "Code": r.code, "Message": r.text, "Recommend": "https://api.aliyun.com/troubleshoot?q=" + r.code}
	if r.status == http.StatusOK { // BssOpenApi
		body["Success"] = false
	}
	send(w, r.status, body)
}

// noun is how error codes call a kind.
func noun(k simcloud.Kind) string {
	return map[simcloud.Kind]string{simcloud.KindNetwork: "Vpc", simcloud.KindSubnet: "VSwitch", simcloud.KindGroup: "SecurityGroup", simcloud.KindServer: "Instance",
		simcloud.KindVolume: "Disk", simcloud.KindFloatingIP: "Eip", simcloud.KindBalancer: "LoadBalancer", simcloud.KindListener: "Listener",
		simcloud.KindDatabase: "DBInstance", simcloud.KindCache: "Instance", simcloud.KindImage: "Image", simcloud.KindFlavor: "InstanceType"}[k]
}

// translated words what the simulated cloud refused.
func translated(e *simcloud.Error) refusal {
	n := noun(e.Kind)
	switch e.Reason {
	case simcloud.Missing:
		return refuse(http.StatusNotFound, "Invalid"+n+"Id.NotFound", "The specified %s %s does not exist.", n, e.ID)
	case simcloud.Busy:
		if e.Kind == simcloud.KindBalancer {
			return refuse(http.StatusBadRequest, "BackendServer.configuring", "The previous configuration of the load balancer is pending; please try again later.")
		}
		return refuse(http.StatusForbidden, "Incorrect"+n+"Status", "The current status of the resource does not support this operation.")
	case simcloud.InUse:
		if e.Kind == simcloud.KindVolume || e.Kind == simcloud.KindFloatingIP {
			return refuse(http.StatusForbidden, "Incorrect"+n+"Status", "%s", e.Detail)
		}
		return refuse(http.StatusBadRequest, "DependencyViolation", "%s", e.Detail)
	case simcloud.Exceeded:
		return refuse(http.StatusForbidden, "QuotaExceed."+n, "Living %s quota exceeded.", n)
	case simcloud.SoldOut:
		return refuse(http.StatusForbidden, "OperationDenied.NoStock", "Sales of this resource are temporarily suspended in the specified region; please try again later.")
	case simcloud.Exists:
		return refuse(http.StatusBadRequest, n+"AlreadyExists", "%s", e.Detail)
	}
	return refuse(http.StatusBadRequest, "InvalidParameter", "%s", e.Detail)
}

func send(w http.ResponseWriter, status int, body object) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the caller has gone
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// worded turns the fault layer's plain refusals into the vendor's.
type worded struct {
	http.ResponseWriter
	refuse  func(http.ResponseWriter, int)
	swallow bool
}

// WriteHeader implements http.ResponseWriter.
func (w *worded) WriteHeader(status int) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") && status >= 400 {
		w.swallow = true
		w.refuse(w.ResponseWriter, status)
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *worded) Write(b []byte) (int, error) {
	if w.swallow {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets the fault layer flush.
func (w *worded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// rpcWords: flow control is HTTP 400, and 409 stands for a lack of stock.
func rpcWords(w http.ResponseWriter, status int) {
	r := refuse(status, "InternalError", "The request processing has failed due to some unknown error.")
	switch status {
	case http.StatusTooManyRequests:
		r = refuse(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")
	case http.StatusForbidden:
		r = refuse(status, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.")
	case http.StatusConflict:
		r = refuse(http.StatusForbidden, "OperationDenied.NoStock", "Sales of this resource are temporarily suspended in the specified region; please try again later.")
	case http.StatusServiceUnavailable:
		r = refuse(status, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
	}
	fail(w, r, requestID())
}
