package awsfake

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// tokenLife is how long an answer is kept by its client token. EC2 does not say; a driver must live with any.
const tokenLife = time.Hour

// refusal is an error as the vendor words it.
type refusal struct {
	status     int
	code, text string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s %s", r.status, r.code, r.text) }

func refuse(status int, code, text string, args ...any) refusal {
	return refusal{status, code, fmt.Sprintf(text, args...)}
}

func bad(code, text string, args ...any) refusal {
	return refuse(http.StatusBadRequest, code, text, args...)
}

// action is one operation: the parameters it cannot do without, those it takes beside them, and what it does. A parameter
// is "Name", or "Name:int", "Name:bool", "Name:cidr" where its type is checked; "N" stands for any number in a name.
type action struct {
	service, name string
	needs, takes  string
	token         string // the parameter that makes it idempotent
	do            func(*call) (object, error)
}

// object and list are an answer's parts. In XML a list's items bear a name of their own.
type (
	object = map[string]any
	list   struct {
		of  string
		all []any
	}
)

func listOf[T any](name string, all []T) list {
	l := list{of: name}
	for _, v := range all {
		l.all = append(l.all, v)
	}
	return l
}

// call is one authenticated request.
type call struct {
	*Fake
	action action
	in     url.Values
	body   []byte
	owner  simcloud.Owner
}

func (c *call) get(name string) string { return c.in.Get(name) }

// number reads a parameter that check has found to be one; 0 where it is not given.
func (c *call) number(name string) int64 {
	n, _ := strconv.ParseInt(c.get(name), 10, 64)
	return n
}

// texts are the values of a numbered parameter: Name.1, Name.2 …
func (c *call) texts(name string) []string {
	var all []string
	for i := 1; c.in.Has(fmt.Sprintf("%s.%d", name, i)); i++ {
		all = append(all, c.get(fmt.Sprintf("%s.%d", name, i)))
	}
	return all
}

// filter is the first value of an EC2 filter.
func (c *call) filter(name string) string {
	for i := 1; c.in.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
		if c.get(fmt.Sprintf("Filter.%d.Name", i)) == name {
			return c.get(fmt.Sprintf("Filter.%d.Value.1", i))
		}
	}
	return ""
}

// filters are the parameters of EC2's filters and pages, tagging those of its tags.
const (
	filters = " Filter.N.Name Filter.N.Value.N MaxResults:int NextToken"
	tagging = " TagSpecification.N.ResourceType TagSpecification.N.Tag.N.Key TagSpecification.N.Tag.N.Value"
	pages   = " MaxRecords:int Marker"
)

var (
	ordinal   = regexp.MustCompile(`\.\d+`)
	anyNumber = regexp.MustCompile(`\.N(\.|$)`)
)

// check refuses what is missing, mistyped or unknown. Most real services ignore what they do not know; here a misspelt
// parameter shall not go unseen.
func (a action) check(in url.Values) error {
	known := []string{"Action", "Version"}
	if a.token != "" {
		known = append(known, a.token)
		if len(in.Get(a.token)) > 64 {
			return bad("InvalidParameterValue", "a client token has at most 64 characters")
		}
	}
	for i, names := range []string{a.needs, a.takes} {
		for _, p := range strings.Fields(names) {
			name, kind, _ := strings.Cut(p, ":")
			known = append(known, name)
			value, there := in[anyNumber.ReplaceAllString(name, ".1$1")]
			if !there && i == 0 {
				return bad("MissingParameter", "The request must contain the parameter %s", name)
			}
			if there && !typed(kind, value[0]) {
				return bad("InvalidParameterValue", "Invalid value '%s' for %s.", value[0], name)
			}
		}
	}
	for name, values := range in {
		if len(values) > 1 || !slices.Contains(known, ordinal.ReplaceAllString(name, ".N")) {
			return bad("UnknownParameter", "The parameter %s is not recognized", name)
		}
	}
	return nil
}

func typed(kind, value string) bool {
	var err error
	switch kind {
	case "int":
		_, err = strconv.ParseInt(value, 10, 64)
	case "bool":
		_, err = strconv.ParseBool(value)
	case "cidr":
		_, err = netip.ParsePrefix(value)
	}
	return err == nil
}

func (f *Fake) query(w http.ResponseWriter, o *original) {
	answer, err := f.answer(o)
	if err != nil {
		fail(w, o.scope.service, err)
		return
	}
	if o.in.Get("Action") == "" {
		sendJSON(w, http.StatusOK, answer)
		return
	}
	name := o.action()
	if o.scope.service == "ec2" {
		answer["requestId"] = requestID()
	} else {
		answer = object{name + "Result": answer, "ResponseMetadata": object{"RequestId": requestID()}}
	}
	sendXML(w, http.StatusOK, name+"Response", answer)
}

// answer checks a call in the order the services do: key, signature, time, action, parameters.
func (f *Fake) answer(o *original) (object, error) {
	if err := o.authentic(); err != nil {
		return nil, err
	}
	a, known := f.actions[o.scope.service+"/"+o.action()]
	if !known {
		return nil, bad("InvalidAction", "The action %s is not valid for this web service.", o.action())
	}
	if o.in.Has("Action") && o.in.Get("Version") != versions()[o.scope.service] {
		return nil, bad("InvalidParameterValue", "no version %q", o.in.Get("Version"))
	}
	if err := a.check(o.in); err != nil {
		return nil, err
	}
	c := &call{Fake: f, action: a, in: o.in, body: o.body, owner: simcloud.Owner{Region: o.scope.region, Tenant: Account}}
	if a.service == "ce" || a.service == "pricing" {
		c.owner = f.Owner() // costs and prices are the account's, wherever they are asked for
	}
	f.once.Lock()
	defer f.once.Unlock()
	if token := o.in.Get(a.token); a.token != "" && token != "" {
		return f.idempotent(c, token)
	}
	return a.do(c)
}

// versions are the API versions that are served.
func versions() map[string]string {
	return map[string]string{"ec2": "2016-11-15", "elasticloadbalancing": "2015-12-01", "rds": "2014-10-31", "elasticache": "2015-02-02",
		"monitoring": "2010-08-01"}
}

// answered is what a call with a client token brought.
type answered struct {
	params string
	answer object
	at     time.Time
}

// idempotent answers a token that is known with what it brought first.
func (f *Fake) idempotent(c *call, token string) (object, error) {
	key, params := c.action.service+"/"+c.action.name+"/"+token, c.in.Encode()
	if before, known := f.tokens[key]; known && f.sim.Now().Sub(before.at) < tokenLife {
		if before.params != params {
			return nil, bad("IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request.")
		}
		return maps.Clone(before.answer), nil
	}
	answer, err := c.action.do(c)
	if err == nil {
		f.tokens[key] = answered{params, maps.Clone(answer), f.sim.Now()}
	}
	return answer, err
}

// fail words an error as a service does.
func fail(w http.ResponseWriter, service string, err error) {
	var r refusal
	var e *simcloud.Error
	switch {
	case errors.As(err, &r):
	case errors.As(err, &e):
		r = translated(service, e)
	default:
		r = refuse(http.StatusInternalServerError, "InternalError", "%v", err)
	}
	words := object{"Code": r.code, "Message": r.text}
	switch service {
	case "ec2":
		sendXML(w, r.status, "Response", object{"Errors": object{"Error": words}, "RequestID": requestID()})
	case "s3":
		words["RequestId"] = requestID()
		sendXML(w, r.status, "Error", words)
	case "pricing", "ce", "servicequotas":
		sendJSON(w, r.status, object{"__type": "com.amazon.coral.service#" + r.code, "message": r.text})
	default:
		words["Type"] = "Sender"
		sendXML(w, r.status, "ErrorResponse", object{"Error": words, "RequestId": requestID()})
	}
}

// worded turns the fault layer's plain refusals into the vendor's.
type worded struct {
	http.ResponseWriter
	service string
	swallow bool
}

// WriteHeader implements http.ResponseWriter.
func (w *worded) WriteHeader(status int) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") && status >= 400 {
		w.swallow = true
		fail(w.ResponseWriter, w.service, w.words(status))
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *worded) words(status int) refusal {
	switch {
	case status == http.StatusForbidden && w.service == "ec2":
		return refuse(status, "UnauthorizedOperation", "You are not authorized to perform this operation.")
	case status == http.StatusForbidden:
		return refuse(status, "AccessDenied", "User is not authorized to perform this operation.")
	case status == http.StatusInsufficientStorage:
		return refuse(http.StatusInternalServerError, "InsufficientCapacity", "There is no capacity.")
	case status == http.StatusTooManyRequests && w.service == "ec2":
		return refuse(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case status == http.StatusTooManyRequests && w.service == "s3":
		return refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case status == http.StatusTooManyRequests:
		return bad("Throttling", "Rate exceeded")
	}
	return refuse(status, "InternalError", "An internal error has occurred.")
}

func (w *worded) Write(b []byte) (int, error) {
	if w.swallow {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets the fault layer flush.
func (w *worded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func sendXML(w http.ResponseWriter, status int, name string, body any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	render(&b, name, body)
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller has gone
}

func render(b *bytes.Buffer, name string, v any) {
	fmt.Fprintf(b, "<%s>", name)
	switch x := v.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			render(b, key, x[key])
		}
	case list:
		for _, item := range x.all {
			render(b, x.of, item)
		}
	case time.Time:
		b.WriteString(x.UTC().Format("2006-01-02T15:04:05.000Z"))
	default:
		_ = xml.EscapeText(b, []byte(fmt.Sprint(x))) // a buffer never fails
	}
	fmt.Fprintf(b, "</%s>", name)
}

func sendJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the caller has gone
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
