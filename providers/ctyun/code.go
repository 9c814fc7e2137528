package ctyun

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/driver"
)

// errGarbled is an answer that is not of the vendor's form: what was done is not known.
var errGarbled = errors.New("ctyun: the answer is not of the vendor's form")

// refusal is an error as the vendor words it.
type refusal struct {
	status  int    // of HTTP
	code    string // Ecs.Instance.NotFound, or CTAPI_10002 of the platform itself
	message string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("ctyun: HTTP %d %s %s", r.status, r.code, r.message)
}

// envelope is what every answer is wrapped in, business errors too, at HTTP 200. statusCode is 800 for success and 900 for
// failure; the platform itself puts its error code there.
type envelope struct {
	Status      text            `json:"statusCode"`
	Error       text            `json:"error"`
	ErrorCode   text            `json:"errorCode"`
	Message     text            `json:"message"`
	Description text            `json:"description"`
	RequestID   text            `json:"requestId"`
	Return      json.RawMessage `json:"returnObj"`
	Data        json.RawMessage `json:"data"`
}

// parse reads an answer. One that says neither success nor failure is no answer.
func parse(path string, status int, raw []byte) (answer, error) {
	var e envelope
	err := json.Unmarshal(raw, &e)
	if err != nil || e.Status == "" {
		if status != http.StatusOK {
			return answer{}, &refusal{status: status, message: http.StatusText(status)}
		}
		return answer{}, fmt.Errorf("%w: it has no statusCode", errGarbled)
	}
	a := answer{result: e.Return, request: string(e.RequestID)}
	if strings.HasPrefix(path, "/teledb-acceptor/") {
		a.result = e.Data
	}
	r := &refusal{status: status, code: e.code(), message: string(e.Description)}
	if r.message == "" {
		r.message = string(e.Message)
	}
	made, _ := first(a.result)
	switch {
	case status == http.StatusOK && slices.Contains(successes(path), string(e.Status)):
		return a, nil
	case status == http.StatusOK && inProgress(r.code) && order(made) != "":
		return a, nil // the order was taken and is being worked at: said as an error, but none
	}
	return answer{}, r
}

// code is the error's code: it stands in another member from product to product.
func (e envelope) code() string {
	for _, t := range []text{e.Error, e.ErrorCode} {
		if t != "" && t != "null" {
			return string(t)
		}
	}
	return string(e.Status)
}

// successes are the statuses that say yes: 800 everywhere, and what the managed databases say instead.
func successes(path string) []string {
	for _, database := range []string{"/teledb-acceptor/", "/RDS2/", "/PG/"} {
		if strings.HasPrefix(path, database) {
			return []string{"800", "200", "0"}
		}
	}
	return []string{"800"}
}

func inProgress(code string) bool { return strings.HasSuffix(segments(code), ".inprogress") }

// segments writes a code as compute has it, in small letters: other products separate by underscores.
func segments(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", ".")) }

// Code classifies an error of this driver. Only what the vendor documents as a refusal is one; the rest is in doubt.
func Code(err error) driver.Code {
	var known driver.Coded
	var r *refusal
	switch {
	case err == nil:
		return driver.OK
	case errors.As(err, &known):
		return known.DriverCode()
	case !errors.As(err, &r):
		return driver.InDoubt
	case r.status == http.StatusTooManyRequests:
		return driver.Throttled
	case r.status >= http.StatusInternalServerError:
		return driver.InDoubt
	}
	return coded(segments(r.code))
}

// whole are codes with a meaning of their own, as segments writes them.
func whole(code string) (driver.Code, bool) {
	switch code {
	case "ctapi.10002", "ctapi.10009", "ctiam.0005", "ctiam.1044", "ecs.iam.actionerror":
		return driver.Auth, true // bad access key, bad signature, no permission
	case "ecs.order.userfrozen":
		return driver.Quota, true // the account is frozen, as when it has no balance left
	case "oss.resource.nosuchbucket", "dcs2.1001", "dcs2.2001", "mysql.10002":
		return driver.NotFound, true
	case "ecs.order.procfailed":
		return driver.InDoubt, true // seen on purchases that went through all the same
	}
	return "", false
}

// coded reads a code of segments, module.object.reason: the reasons are the same words everywhere.
func coded(code string) driver.Code {
	if c, ok := whole(code); ok {
		return c
	}
	reason := code[strings.LastIndex(code, ".")+1:]
	ends := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(reason, w) })
	}
	switch {
	case ends("nopermission", "permissiondenied"):
		return driver.Auth
	case ends("soldout"):
		return driver.SoldOut
	case ends("quotaexceed", "quotaexceeded", "overquota", "quotalimited"):
		return driver.Quota
	case ends("flavornotfound", "imagenotfound") || ends("notfound") && (strings.Contains(code, ".image") || strings.Contains(code, ".flavor")):
		return driver.Invalid // what a purchase names, not what it is about
	case ends("notfound", "notexist", "notexists"):
		return driver.NotFound
	case strings.Contains(reason, "statusnot") || strings.Contains(reason, "statenot") || ends("statusexpired", "statusfreeze", "onlysupportshutoff"):
		return driver.NotReady
	case strings.Contains(code, ".parameter.") || strings.HasPrefix(reason, "invalid") ||
		ends("parameterinvalid", "notvalid", "notsupport", "notsupported", "nochange"):
		return driver.Invalid
	}
	return driver.InDoubt
}
