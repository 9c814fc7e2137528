package openstackfake

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// service is one OpenStack service: where it is, how it words an error, and its microversions.
type service struct {
	*Fake
	prefix    string
	word      func(refusal) any                // the body of an error
	translate func(*simcloud.Error) refusal    // what the simulated cloud refused
	version   func(*http.Request) (int, error) // nil: it has no microversions
	stamp     func(h http.Header, r *http.Request, minor int)
}

// call is one authenticated request.
type call struct {
	*service
	r      *http.Request
	header http.Header // of the answer
	grant  grant
	owner  simcloud.Owner
	minor  int                        // microversion
	made   map[string]json.RawMessage // see once
}

// refusal is an error as the service words it.
type refusal struct {
	status int
	kind   string // Neutron's and others' name of it
	text   string
}

func (r refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

func refuse(status int, text string, args ...any) refusal {
	return refusal{status: status, text: fmt.Sprintf(text, args...)}
}

func badRequest(text string, args ...any) refusal {
	return refuse(http.StatusBadRequest, text, args...)
}

// route serves a pattern such as "GET /servers/{id}" below the service's prefix.
func (s *service) route(pattern string, h func(*call) (status int, body any, err error)) {
	method, path, _ := strings.Cut(pattern, " ")
	s.mux.HandleFunc(method+" "+s.prefix+path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Openstack-Request-Id", "req-"+randomID())
		c, err := s.begin(w, r)
		if err != nil {
			s.fail(w, err)
			return
		}
		status, body, err := h(c)
		if err != nil {
			s.fail(w, err)
			return
		}
		reply(w, status, body)
	})
}

// begin authenticates a request and reads its microversion.
func (s *service) begin(w http.ResponseWriter, r *http.Request) (*call, error) {
	g, ok := s.granted(r.Header.Get("X-Auth-Token"))
	if !ok || g.project == "" {
		w.Header().Set("Www-Authenticate", `Keystone uri="`+s.base(r, s.sim.Regions()[0].Name)+`/identity"`)
		return nil, refusal{http.StatusUnauthorized, "Unauthorized", "The request you have made requires authentication."}
	}
	region, _ := r.Context().Value(regionKey{}).(string)
	c := &call{service: s, r: r, header: w.Header(), grant: g, owner: simcloud.Owner{Region: region, Tenant: g.project}}
	if s.version == nil {
		return c, nil
	}
	minor, err := s.version(r)
	if err == nil {
		s.stamp(w.Header(), r, minor)
	}
	c.minor = minor
	return c, err
}

func (s *service) fail(w http.ResponseWriter, err error) {
	var e *simcloud.Error
	var answer refusal
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &e):
		answer = s.translate(e)
	default:
		answer = refuse(http.StatusInternalServerError, "%v", err)
	}
	body := s.word(answer)
	if answer.status == http.StatusUnauthorized {
		body = keystoneError(answer)
	}
	reply(w, answer.status, body)
}

// cause is the simulated cloud's refusal behind an error; the zero Error when it is something else.
func cause(err error) simcloud.Error {
	var e *simcloud.Error
	if errors.As(err, &e) {
		return *e
	}
	return simcloud.Error{}
}

// page is a body that is not JSON.
type page struct{ kind, text string }

func reply(w http.ResponseWriter, status int, body any) {
	switch b := body.(type) {
	case nil:
		w.WriteHeader(status)
	case page:
		w.Header().Set("Content-Type", b.kind)
		w.WriteHeader(status)
		io.WriteString(w, b.text) // the caller has gone
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(raw) // the caller has gone
	}
}

// maxBody is more than any body a driver sends.
const maxBody = 4 << 20

// read decodes a request's body; a field that in does not know is refused, as the real services' schemas do.
func (c *call) read(in any) error {
	raw, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody))
	if err != nil {
		return err
	}
	return strict(raw, in)
}

func strict(raw []byte, in any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	if err == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return unexpected(strings.Trim(name, `"`))
	}
	return refusal{http.StatusBadRequest, "HTTPBadRequest", "Invalid input: " + err.Error()}
}

// unexpected is what the services say of a field they do not know.
func unexpected(name string) refusal {
	return refusal{http.StatusBadRequest, "HTTPBadRequest", "Additional properties are not allowed ('" + name + "' was unexpected)"}
}

func (c *call) id() string { return c.r.PathValue("id") }

func (c *call) query(name string) string { return c.r.URL.Query().Get(name) }

// limit reads the page size: at most most, which is also the default; 0 with most 0 is everything.
func (c *call) limit(most int) (int, error) {
	s := c.query("limit")
	if s == "" {
		return most, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, badRequest("Invalid input for query parameters limit. Value: %s. '%s' does not match '^[0-9]*$'", s, s)
	}
	if most > 0 && (n == 0 || n > most) {
		n = most
	}
	return n, nil
}

// nextLink is the link to the page after last: this request's URL with another marker.
func (c *call) nextLink(last string) map[string]string {
	q := c.r.URL.Query()
	q.Set("marker", last)
	return map[string]string{"rel": "next", "href": c.self() + "?" + q.Encode()}
}

func (c *call) self() string { return c.base(c.r, c.owner.Region) + c.r.URL.Path }

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// microversions reads a service's microversion, 2.x or 3.x, from the header all services share or from its own older one.
func microversions(name, older string, major, low, most int) func(*http.Request) (int, error) {
	return func(r *http.Request) (int, error) {
		given := r.Header.Get(older)
		for _, h := range r.Header.Values("Openstack-Api-Version") {
			if rest, ok := strings.CutPrefix(h, name+" "); ok {
				given = rest
			}
		}
		switch given {
		case "":
			return low, nil
		case "latest":
			return most, nil
		}
		var got, minor int
		if n, err := fmt.Sscanf(given, "%d.%d", &got, &minor); n != 2 || err != nil {
			return 0, badRequest("API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", given)
		}
		if got != major || minor < low || minor > most {
			return 0, refuse(http.StatusNotAcceptable, "Version %s is not supported by the API. Minimum is %d.%d and maximum is %d.%d.", given, major, low, major, most)
		}
		return minor, nil
	}
}

// Times as the services write them.
const (
	zulu   = "2006-01-02T15:04:05Z"
	micros = "2006-01-02T15:04:05.000000"
	plain  = "2006-01-02T15:04:05"
)

// when writes a time; the zero time is null.
func when(t time.Time, layout string) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(layout)
}

// orNull writes "" as null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// list writes nil as [].
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// dict writes nil as {}.
func dict(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

type object = map[string]any
