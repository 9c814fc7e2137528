// Package ctyunfake speaks the open platform (EOP) of China Telecom's cloud over a simulated cloud: signatures, client
// tokens, orders and the APIs of compute, disks, networks, load balancers, images, ZOS, MySQL, PostgreSQL and Redis, as far
// as a driver needs them, at one base URL. It is written from the vendor's published SDKs and shares nothing with the
// driver: what either side has misread shows as a failed test. docs/drivers/ctyun.md lists the evidence, and what the fake
// had to make up because it is not established.
package ctyunfake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// The key pair that the fake accepts.
const (
	AccessKey = "5b1c0a7e4d2f4c6f9a3e8d7b6c5a4f30"
	SecretKey = "simulated-secret-of-ctyun"
)

// Options of New; the zero value works.
type Options struct {
	MaxPage int  // the longest page of a listing; 0: the vendor's own
	Replays bool // a request id may come twice: whether the vendor refuses one is not established
}

// window is how far a request's time may be from now; the vendor's own is not documented.
const window = 15 * time.Minute

// tokenLife is how long a client token is kept.
const tokenLife = 24 * time.Hour

// Fake is the handler of one cloud. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; see simcloud.Rule
	sim     *simcloud.Cloud
	options Options
	routes  map[string]route
	chain   http.Handler

	mu     sync.Mutex
	nonces map[string]struct{}
	tokens map[string]kept
	denied map[string]string // codes by path; see Refuse
	groups map[string]*targetGroup
	checks map[string]*healthCheck
}

// kept is the first answer to a client token.
type kept struct {
	params string
	body   []byte
	until  time.Time
}

// New puts the vendor's protocol over a simulated cloud.
func New(sim *simcloud.Cloud, o Options) *Fake {
	f := &Fake{sim: sim, options: o, routes: map[string]route{}, nonces: map[string]struct{}{}, tokens: map[string]kept{},
		denied: map[string]string{}, groups: map[string]*targetGroup{}, checks: map[string]*healthCheck{}}
	sim.SetLatency(simcloud.KindBalancer, simcloud.Latency{}) // a classic balancer is there when its call answers
	f.network()
	f.compute()
	f.disk()
	f.address()
	f.balancer()
	f.bucket()
	f.database()
	f.cache()
	f.account()
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.serve)))
	return f
}

// ServeHTTP serves every product.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.chain.ServeHTTP(w, r) }

// Owner is the simulated account behind an access key, in the first region.
func (f *Fake) Owner(accessKey string) simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: "ctyun-" + accessKey}
}

// Refuse has an API answer with an error of the vendor's and do nothing, until end is called: what no state of the simulated
// cloud brings about, such as a key that may not do it.
func (f *Fake) Refuse(path, code string) (end func()) {
	f.held(func() { f.denied[path] = code })
	return func() { f.held(func() { delete(f.denied, path) }) }
}

// route is one API: its method, what it takes, and what it does.
type route struct {
	method, takes string
	act           func(*call) (any, error)
}

func (f *Fake) get(path, takes string, act func(*call) (any, error)) {
	f.routes[path] = route{http.MethodGet, takes, act}
}

func (f *Fake) post(path, takes string, act func(*call) (any, error)) {
	f.routes[path] = route{http.MethodPost, takes, act}
}

// call is one request that was understood.
type call struct {
	*Fake
	path   string
	in     map[string]any
	owner  simcloud.Owner
	header http.Header
}

// refusal is an error as the vendor words it; result may come with it.
type refusal struct {
	code, message string
	result        any
}

func (r refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, message string, args ...any) refusal {
	return refusal{code: code, message: fmt.Sprintf(message, args...)}
}

// maxBody is more than any body a driver sends.
const maxBody = 4 << 20

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if err := f.authenticate(r, body); err != nil {
		f.answer(w, r.URL.Path, nil, err)
		return
	}
	route, ok := f.routes[r.URL.Path]
	if !ok || route.method != r.Method {
		http.NotFound(w, r)
		return
	}
	c := &call{Fake: f, path: r.URL.Path, owner: f.Owner(AccessKey), header: r.Header}
	if c.in, err = c.parameters(route, r, body); err != nil {
		f.answer(w, r.URL.Path, nil, err)
		return
	}
	code := ""
	if f.held(func() { code = f.denied[c.path] }); code != "" {
		f.answer(w, c.path, nil, refuse(code, "refused"))
		return
	}
	f.once(w, c, route)
}

// once acts, or repeats the first answer to a client token; only successes are kept.
func (f *Fake) once(w http.ResponseWriter, c *call, r route) {
	token := c.text("clientToken")
	if token == "" {
		result, err := r.act(c)
		f.answer(w, c.path, result, err)
		return
	}
	params, _ := json.Marshal(c.in) // a map of plain values: sorted by key
	f.mu.Lock()
	old, known := f.tokens[token]
	f.mu.Unlock()
	switch {
	case known && f.sim.Now().Before(old.until) && old.params == c.path+string(params):
		w.Header().Set("Content-Type", "application/json")
		w.Write(old.body) // the caller has gone
		return
	case known && f.sim.Now().Before(old.until):
		f.answer(w, c.path, nil, refuse(module(c.path)+".ClientToken.ParameterInvalid", "the client token belongs to another request"))
		return
	}
	result, err := r.act(c)
	raw := f.answer(w, c.path, result, err)
	var said refusal
	if err == nil || errors.As(err, &said) && said.result != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tokens[token] = kept{c.path + string(params), raw, f.sim.Now().Add(tokenLife)}
	}
}

// authenticate recomputes EOP's signature. The platform's own errors stand in statusCode.
func (f *Fake) authenticate(r *http.Request, body []byte) error {
	id, date := r.Header.Get("ctyun-eop-request-id"), r.Header.Get("eop-date")
	key, signed, _ := strings.Cut(r.Header.Get("Eop-Authorization"), " Headers=ctyun-eop-request-id;eop-date Signature=")
	if key != AccessKey {
		return refuse("CTAPI_10002", "无效的 AK")
	}
	if !hmac.Equal([]byte(signed), []byte(signature(id, date, r.URL.RawQuery, body))) {
		return refuse("CTAPI_10009", "签名验证失败")
	}
	at, err := time.ParseInLocation("20060102T150405Z", date, duoyun.Civil)
	if err != nil || time.Since(at).Abs() > window {
		return refuse("CTAPI_EOP_DATE", "请求时间无效")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, seen := f.nonces[id]; id == "" || seen && !f.options.Replays {
		return refuse("CTAPI_EOP_REQUEST_ID", "请求 ID 重复")
	}
	f.nonces[id] = struct{}{}
	return nil
}

// signature follows the vendor's guide step by step: the text to sign, the key of the time, of the access key, of the day.
func signature(id, date, query string, body []byte) string {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	pairs := strings.Split(query, "&")
	slices.Sort(pairs)
	digest := sha256.Sum256(body)
	text := fmt.Sprintf("ctyun-eop-request-id:%s\neop-date:%s\n\n%s\n%s", id, date, strings.Join(pairs, "&"), hex.EncodeToString(digest[:]))
	day := date
	if len(day) > 8 {
		day = day[:8]
	}
	return base64.StdEncoding.EncodeToString(mac(mac(mac(mac([]byte(SecretKey), date), AccessKey), day), text))
}

// answer writes the envelope and returns it.
func (f *Fake) answer(w http.ResponseWriter, path string, result any, err error) []byte {
	envelope := map[string]any{"statusCode": 800, "error": "", "message": "success", "description": "成功", "requestId": newID()}
	member := "returnObj"
	if strings.HasPrefix(path, "/teledb-acceptor/") {
		member, envelope["statusCode"] = "data", 200
	} else if strings.HasPrefix(path, "/RDS2/") {
		envelope["statusCode"] = 0
	}
	if result != nil {
		envelope[member] = result
	}
	if err != nil {
		said := worded(path, err)
		envelope["statusCode"], envelope["error"], envelope["errorCode"] = 900, said.code, said.code
		envelope["message"], envelope["description"] = said.message, said.message
		delete(envelope, member)
		if said.result != nil {
			envelope[member] = said.result
		}
		if strings.HasPrefix(said.code, "CTAPI") {
			envelope["statusCode"] = said.code
			delete(envelope, "error")
			delete(envelope, "errorCode")
		}
	}
	raw, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // every result is made of plain values
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(raw) // the caller has gone
	return raw
}

// module is the first segment of a product's error codes.
func module(path string) string {
	for prefix, name := range map[string]string{"/v4/ecs/": "Ecs", "/v4/ebs/": "ebs", "/v4/image/": "Image", "/v4/oss/": "oss", "/v4/vpc/": "Openapi",
		"/v4/eip/": "Openapi", "/v4/elb/": "Openapi", "/v2/": "Dcs2", "/RDS2/": "Mysql", "/PG/": "Pgsql", "/teledb-acceptor/": "Teledb"} {
		if strings.HasPrefix(path, prefix) {
			return name
		}
	}
	return "Ecs"
}

// worded turns what the simulated cloud refused into the vendor's codes.
func worded(path string, err error) refusal {
	var said refusal
	if errors.As(err, &said) {
		return said
	}
	var e *simcloud.Error
	if !errors.As(err, &e) {
		return refuse(module(path)+".Server.UnknownError", "%v", err)
	}
	object := nouns(e.Kind)
	reason := map[simcloud.Reason]string{simcloud.Missing: "NotFound", simcloud.Invalid: "ParameterInvalid", simcloud.Exists: "NameRepeat",
		simcloud.Busy: "StatusNotValid", simcloud.InUse: "AccessFailed", simcloud.Exceeded: "QuotaExceed", simcloud.SoldOut: "SoldOut"}[e.Reason]
	code := module(path) + "." + object + "." + reason
	switch {
	case e.Reason == simcloud.Missing && module(path) == "ebs":
		code = "ebs.ebsInfo.notExists"
	case e.Reason == simcloud.Missing && module(path) == "oss":
		code = "oss.resource.noSuchBucket"
	case e.Reason == simcloud.Missing && module(path) == "Dcs2":
		code = "DCS2_1001"
	case e.Reason == simcloud.SoldOut && module(path) == "Ecs":
		code = "Ecs.Flavor.FlavorSoldOut"
	case e.Reason == simcloud.SoldOut && module(path) == "ebs":
		code = "ebs.order.EbsSoldOut"
	}
	return refuse(code, "%s", e.Error())
}

// nouns are the objects' names in the vendor's codes.
func nouns(k simcloud.Kind) string {
	switch k {
	case simcloud.KindNetwork:
		return "Vpc"
	case simcloud.KindSubnet:
		return "Subnet"
	case simcloud.KindGroup:
		return "SecurityGroup"
	case simcloud.KindRule:
		return "SecurityGroupRule"
	case simcloud.KindFloatingIP:
		return "Eip"
	case simcloud.KindBalancer:
		return "LoadBalancer"
	case simcloud.KindListener:
		return "Listener"
	case simcloud.KindFlavor:
		return "Flavor"
	case simcloud.KindImage:
		return "Image"
	case simcloud.KindVolume:
		return "Volume"
	}
	return "Instance"
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

type object = map[string]any
