package tencentfake

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

type object = map[string]any

// refusal is a business error: HTTP 200 and a code.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.code + ": " + r.text }

func refuse(code, text string, args ...any) error { return refusal{code, fmt.Sprintf(text, args...)} }

// action serves one action of a product.
type action func(*call) (object, error)

// call is one authenticated request.
type call struct {
	*Fake
	product, name string
	owner         simcloud.Owner
	body          []byte
}

// credential is what the Authorization header says of itself.
type credential struct{ id, date, service, signed, signature string }

// scope reads "TC3-HMAC-SHA256 Credential=id/date/service/tc3_request, SignedHeaders=a;b, Signature=hex".
func scope(header string) (c credential) {
	rest, ok := strings.CutPrefix(header, "TC3-HMAC-SHA256 ")
	if !ok {
		return c
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			if p := strings.Split(value, "/"); len(p) == 4 && p[3] == "tc3_request" {
				c.id, c.date, c.service = p[0], p[1], p[2]
			}
		case "SignedHeaders":
			c.signed = value
		case "Signature":
			c.signature = value
		}
	}
	return c
}

// window is how far a timestamp may be from the server's clock (document 213/30654).
const window = 5 * time.Minute

// authenticate recomputes the signature by the documented steps. Clients sign with their own clock, so that it is real
// time that counts here, not the simulated cloud's.
func authenticate(r *http.Request, body []byte) (credential, error) {
	c := scope(r.Header.Get("Authorization"))
	stamp, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	at := time.Unix(stamp, 0).UTC()
	switch {
	case c.service == "" || c.signature == "" || err != nil:
		return c, refuse("AuthFailure.InvalidAuthorization", "the Authorization header cannot be read")
	case time.Since(at).Abs() > window:
		return c, refuse("AuthFailure.SignatureExpire", "the timestamp is more than five minutes from the server's")
	case c.id != SecretID:
		return c, refuse("AuthFailure.SecretIdNotFound", "there is no such SecretId")
	case c.date != at.Format(time.DateOnly) || !slices.Contains(strings.Split(c.signed, ";"), "host") || !slices.Contains(strings.Split(c.signed, ";"), "content-type"):
		return c, refuse("AuthFailure.SignatureFailure", "the scope is not that of the timestamp, or a header is not signed")
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(c.signed, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	canonical := strings.Join([]string{"POST", "/", "", headers.String(), c.signed, hash(body)}, "\n")
	text := strings.Join([]string{"TC3-HMAC-SHA256", strconv.FormatInt(stamp, 10), c.date + "/" + c.service + "/tc3_request", hash([]byte(canonical))}, "\n")
	key := []byte("TC3" + SecretKey)
	for _, step := range []string{c.date, c.service, "tc3_request", text} {
		key = sign(key, step)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(c.signature)) {
		return c, refuse("AuthFailure.SignatureFailure", "the signature is not that of the request")
	}
	return c, nil
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func versions() map[string]string {
	return map[string]string{"cvm": "2017-03-12", "cbs": "2017-03-12", "vpc": "2017-03-12", "clb": "2018-03-17", "cdb": "2017-03-20",
		"postgres": "2017-03-12", "redis": "2018-04-12", "monitor": "2018-07-24", "billing": "2018-07-09", "cam": "2019-01-16"}
}

// act authenticates a call, and serves it or what its client token was answered first.
func (f *Fake) act(r *http.Request, body []byte) (object, error) {
	who, err := authenticate(r, body)
	if err != nil {
		return nil, err
	}
	name, region := r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Region")
	do, known := f.actions[who.service+"/"+name]
	switch {
	case versions()[who.service] != r.Header.Get("X-TC-Version"):
		return nil, refuse("NoSuchVersion", "%s has no version %s", who.service, r.Header.Get("X-TC-Version"))
	case !known:
		return nil, refuse("InvalidAction", "%s has no action %s", who.service, name)
	case !slices.ContainsFunc(f.sim.Regions(), func(x simcloud.Region) bool { return x.Name == region }):
		return nil, refuse("UnsupportedRegion", "there is no region %s", region)
	}
	c := &call{Fake: f, product: who.service, name: name, owner: simcloud.Owner{Region: region, Tenant: AppID}, body: body}
	return c.once(do)
}

// once answers a client token as it was answered first. It holds no lock while it acts: calls with one token are as few as
// their sender.
func (c *call) once(do action) (object, error) {
	var in struct{ ClientToken string }
	if json.Unmarshal(c.body, &in) != nil || in.ClientToken == "" {
		return do(c)
	}
	if len(in.ClientToken) > 64 {
		return nil, refuse("InvalidClientToken.TooLong", "a client token has 64 characters at most")
	}
	key := c.product + "/" + c.name + "/" + in.ClientToken
	c.mu.Lock()
	first, used := c.tokens[key]
	c.mu.Unlock()
	switch {
	case used && c.sim.Now().Sub(first.at) > tokenLife:
	case used && first.body != string(c.body):
		return nil, refuse("UnsupportedOperation.IdempotentParameterMismatch", "the client token was used with other parameters")
	case used:
		return first.answer, nil
	}
	answer, err := do(c)
	if err == nil {
		c.mu.Lock()
		c.tokens[key] = kept{string(c.body), answer, c.sim.Now()}
		c.mu.Unlock()
	}
	return answer, err
}

// on makes an action of a function over its parameters. Unknown parameters, others of another type, and missing ones (tag
// need) are refused.
func on[T any](serve func(*call, T) (object, error)) action {
	return func(c *call) (object, error) {
		var in T
		d := json.NewDecoder(bytes.NewReader(c.body))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
				return nil, refuse("UnknownParameter", "the parameter %s is not recognized", name)
			}
			return nil, refuse("InvalidParameter", "%v", err)
		}
		v := reflect.ValueOf(in)
		for i := range v.NumField() {
			if _, needed := v.Type().Field(i).Tag.Lookup("need"); needed && v.Field(i).IsZero() {
				return nil, refuse("MissingParameter", "the request lacks the parameter `%s`", v.Type().Field(i).Name)
			}
		}
		return serve(c, in)
	}
}

// reply writes the envelope.
func reply(w http.ResponseWriter, answer object, err error) {
	out := object{"RequestId": requestID()}
	for k, v := range answer {
		out[k] = v
	}
	if err != nil {
		var known refusal
		if !errors.As(err, &known) {
			known = refusal{"InternalError", err.Error()}
		}
		out = object{"RequestId": requestID(), "Error": object{"Code": known.code, "Message": known.text}}
	}
	raw, err := json.Marshal(object{"Response": out})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(raw) // the caller has gone
}

// sayAPI words a fault as API 3.0 does.
func sayAPI(w http.ResponseWriter, status int) bool {
	code, known := map[int]string{http.StatusTooManyRequests: "RequestLimitExceeded", http.StatusForbidden: "UnauthorizedOperation", http.StatusConflict: "ResourceInsufficient"}[status]
	if known {
		reply(w, nil, refuse(code, "a fault"))
	}
	return known
}

func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// maxLimit is the most entries a call may ask for.
const maxLimit = 100

// paging is how most actions page.
type paging struct{ Offset, Limit int }

// cut is the page of a listing.
func (c *call) cut(all []object, p paging) ([]object, error) {
	if p.Limit > maxLimit || p.Limit < 0 || p.Offset < 0 {
		return nil, refuse("InvalidParameterValue.LimitExceeded", "Limit is 1 to %d", maxLimit)
	}
	if p.Limit == 0 {
		p.Limit = 20
	}
	from := min(p.Offset, len(all))
	return all[from:min(len(all), from+min(p.Limit, c.options.MaxPage))], nil
}

// listed is the answer of a listing: the things with these ids, or a page of all.
func listed[T any, P simcloud.Noun[T]](c *call, member string, ids []string, prefix string, p paging, keep func(*T) bool, view func(*call, *T) object) (object, error) {
	views := []object{}
	if len(ids) > 0 {
		for _, id := range ids {
			if x, err := simcloud.Get[T, P](c.sim, c.owner, strings.TrimPrefix(id, prefix)); err == nil && strings.HasPrefix(id, prefix) && P(x).Self().Owner == c.owner {
				views = append(views, view(c, x))
			}
		}
		return object{"TotalCount": len(views), member: views}, nil
	}
	all, err := simcloud.List[T, P](c.sim, simcloud.Query{Owner: c.owner, Own: true, Newest: true}, keep)
	if err != nil {
		return nil, err
	}
	for _, x := range all {
		views = append(views, view(c, x))
	}
	page, err := c.cut(views, p)
	return object{"TotalCount": len(views), member: page}, err
}

// bare takes the prefix off an id; code is what the product says of an id of another form.
func bare(id, prefix, code string) (string, error) {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok {
		return "", refuse(code, "the id %s is malformed", id)
	}
	return rest, nil
}

// words turns what the simulated cloud refused into a product's codes, by reason.
func words(err error, codes map[simcloud.Reason]string) error {
	var e *simcloud.Error
	if !errors.As(err, &e) {
		return err
	}
	code := codes[e.Reason]
	if code == "" {
		code = map[simcloud.Reason]string{simcloud.Missing: "ResourceNotFound", simcloud.Invalid: "InvalidParameterValue", simcloud.Exists: "InvalidParameterValue.Duplicate",
			simcloud.Busy: "ResourceBusy", simcloud.InUse: "ResourceInUse", simcloud.Exceeded: "LimitExceeded", simcloud.SoldOut: "ResourceInsufficient"}[e.Reason]
	}
	return refuse(code, "%s", e.Error())
}

// tag as CVM, CBS and VPC name it, and as the others do.
type tag struct{ Key, Value string }
type otherTag struct{ TagKey, TagValue string }

// binKey marks what lies in the recycle bin, among an object's tags.
const binKey = "\x00bin"

// tags are those of an object as a product shows them.
func tags(meta map[string]string, key, value string) []object {
	out := []object{}
	for _, k := range sorted(meta) {
		if k != binKey {
			out = append(out, object{key: k, value: meta[k]})
		}
	}
	return out
}

func sorted(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func meta(all []tag) map[string]string {
	m := map[string]string{}
	for _, t := range all {
		m[t.Key] = t.Value
	}
	return m
}

func otherMeta(all []otherTag) map[string]string {
	m := map[string]string{}
	for _, t := range all {
		m[t.TagKey] = t.TagValue
	}
	return m
}

// bin puts an object into the recycle bin.
func bin[T any, P simcloud.Noun[T]](c *call, id string) error {
	_, err := simcloud.Edit[T, P](c.sim, c.owner, id, func(x *T) error {
		o := P(x).Self()
		m := map[string]string{binKey: "1"}
		for k, v := range o.Meta {
			m[k] = v
		}
		o.Meta = m
		return nil
	})
	return err
}

// Times as the products write them: UTC, or Beijing time without a zone. The zero time is null.
func zulu(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func beijing(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(time.FixedZone("CST", 8*3600)).Format(time.DateTime)
}

// term reads how something is paid.
type term struct {
	Period    int
	RenewFlag string
}

// months checks a way of paying. Renewal by the vendor is off.
func months(chargeType string, t *term) (int, error) {
	switch {
	case chargeType == "" || chargeType == "POSTPAID_BY_HOUR":
		return 0, nil
	case chargeType != "PREPAID":
		return 0, refuse("InvalidParameterValue", "no charge type %s", chargeType)
	case t == nil || t.Period < 1 || t.Period > 60:
		return 0, refuse("MissingParameter", "a subscription has a period of 1 to 60 months")
	case t.RenewFlag == "NOTIFY_AND_AUTO_RENEW":
		return 0, refuse("InvalidParameterValue", "this account renews by hand")
	}
	return t.Period, nil
}
