package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// service is one of the vendor's APIs, by the label that begins its host names.
type service string

// The services this driver speaks to: the first five by Query, the next three by JSON, S3 by its own REST.
const (
	ec2     service = "ec2"
	elb     service = "elasticloadbalancing"
	rds     service = "rds"
	redis   service = "elasticache"
	watch   service = "monitoring"
	prices  service = "api.pricing"
	costs   service = "ce"
	limits  service = "servicequotas"
	objects service = "s3"
)

// version is the API version of a Query service; for a JSON service what begins its targets.
func (s service) version() string {
	return map[service]string{ec2: "2016-11-15", elb: "2015-12-01", rds: "2014-10-31", redis: "2015-02-02", watch: "2010-08-01",
		prices: "AWSPriceListService", costs: "AWSInsightsIndexService", limits: "ServiceQuotasV20190624"}[s]
}

// scope is the service's name in a signature.
func (s service) scope() string { return strings.TrimPrefix(string(s), "api.") }

// region is where a service is served: prices and costs have one place a partition.
func (c *Cloud) region(s service) string {
	switch {
	case s != prices && s != costs:
		return c.account.Region
	case c.chinese():
		return "cn-northwest-1"
	}
	return "us-east-1"
}

// endpoint is the URL of a service: the account's own, its one address for all, or the public host below its root domain.
func (c *Cloud) endpoint(s service) string {
	root := "amazonaws.com"
	if c.chinese() {
		root = "amazonaws.com.cn"
	}
	if c.account.Endpoint != "" {
		root = c.account.Endpoint
	}
	base := c.account.Endpoints[string(s)]
	switch {
	case base == "" && strings.Contains(root, "://"):
		base = root
	case base == "":
		base = string(s) + "." + c.region(s) + "." + root
	}
	if !strings.Contains(base, "://") {
		base = "https://" + base
	}
	return strings.TrimSuffix(base, "/")
}

// params are a call's own parameters; "" is left out.
type params map[string]string

// reading marks the context of a request that changes nothing: whether a connection may be reused hangs on it.
type reading struct{}

func isRead(r *http.Request) bool { return r.Context().Value(reading{}) != nil }

func reads(action string) bool {
	return strings.HasPrefix(action, "Describe") || strings.HasPrefix(action, "Get") || strings.HasPrefix(action, "List")
}

// call makes one Query request and returns its answer. Parameters travel in the body: they may hold secrets.
func (c *Cloud) call(ctx context.Context, s service, action string, in params) ([]byte, error) {
	form := url.Values{"Action": {action}, "Version": {s.version()}}
	for name, value := range in {
		if value != "" {
			form.Set(name, value)
		}
	}
	return c.post(ctx, s, reads(action), []byte(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}})
}

// ask makes one JSON request, all of which only read, and decodes its answer.
func (c *Cloud) ask(ctx context.Context, s service, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := c.post(ctx, s, true, body, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {s.version() + "." + action}})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	return nil
}

func (c *Cloud) post(ctx context.Context, s service, read bool, body []byte, header http.Header) ([]byte, error) {
	if read {
		ctx = context.WithValue(ctx, reading{}, true)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(s)+"/", bytes.NewReader(body))
	if err != nil {
		return nil, bare(err)
	}
	r.Header = header
	return c.send(r, s, body)
}

// send signs and sends a request and tells an answer from a refusal.
func (c *Cloud) send(r *http.Request, s service, body []byte) ([]byte, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if s == objects {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	sign := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s == objects })
	if err := sign.SignHTTP(r.Context(), c.keys, r, hash, s.scope(), c.region(s), time.Now()); err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, refusal(resp.StatusCode, answer)
	}
	return answer, nil
}

// bare takes the URL off an error: a bucket's is nobody else's business.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Refusal is what the vendor answered instead of doing what was asked.
type Refusal struct {
	Status                   int
	Code, Message, RequestID string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s (request %s)", r.Status, r.Code, r.Message, r.RequestID)
}

// refusal reads an error in the form of EC2, of the other Query services, of S3 or of the JSON services. What is in none of
// them has no code.
func refusal(status int, body []byte) *Refusal {
	type words struct{ Code, Message string }
	var x struct {
		words
		EC2       words  `xml:"Errors>Error"`
		Query     words  `xml:"Error"`
		RequestID string `xml:"RequestID"`
		Request   string `xml:"RequestId"`
	}
	var j struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	r := &Refusal{Status: status}
	switch {
	case xml.Unmarshal(body, &x) == nil:
		r.RequestID = x.RequestID + x.Request
		for _, w := range []words{x.words, x.Query, x.EC2} {
			if w.Code != "" {
				r.Code, r.Message = w.Code, w.Message
			}
		}
	case json.Unmarshal(body, &j) == nil:
		r.Code, r.Message = j.Type[strings.LastIndex(j.Type, "#")+1:], j.Message
	}
	return r
}

var errNameless = errors.New("the answer to a creation has no id in it")

// create makes one creation, whose id the answer must show at a place; without it whatever was made has to be looked for.
func (c *Cloud) create(ctx context.Context, s service, action string, in params, at ...string) (driver.Reply, error) {
	answer, err := c.call(ctx, s, action, in)
	if err != nil {
		return driver.Reply{}, settling(action, err)
	}
	id, err := text(answer, at...)
	if err == nil && id == "" {
		err = errNameless
	}
	return driver.Reply{ID: id, RequestID: requestID(answer)}, err
}

// change makes one mutation that creates nothing. Its answer must be one: an HTTP 200 from somebody else says nothing.
func (c *Cloud) change(ctx context.Context, s service, action string, in params) (driver.Reply, error) {
	answer, err := c.call(ctx, s, action, in)
	if err == nil {
		_, _, err = within(answer)
	}
	return driver.Reply{RequestID: requestID(answer)}, settling(action, err)
}

// settling: what a mutation builds on was seen before it was sent, but EC2 is eventually consistent: another of its servers
// may not know of it yet, and asks for the call again (devguide/eventual-consistency.html). What takes away takes "not
// found" at its word.
func settling(action string, err error) error {
	for _, verb := range []string{"Delete", "Terminate", "Release", "Detach", "Disassociate", "Deregister"} {
		if strings.HasPrefix(action, verb) {
			return err
		}
	}
	if Code(err) == driver.NotFound {
		return table.Refuse(driver.NotReady, err)
	}
	return err
}

func requestID(answer []byte) string {
	for _, at := range [][]string{{"requestId"}, {"ResponseMetadata", "RequestId"}} {
		if id, err := text(answer, at...); err == nil && id != "" {
			return id
		}
	}
	return ""
}
