package tencent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// params are an action's parameters, as the JSON body carries them.
type params = map[string]any

// errHollow is an answer that lacks what its action documents: a listing without its list would pass for a proof of
// absence, and a creation without its id for one that made nothing.
var errHollow = errors.New("the answer lacks what the action documents")

// version is the API version of a product.
func version(product string) string {
	return map[string]string{"cvm": "2017-03-12", "cbs": "2017-03-12", "vpc": "2017-03-12", "clb": "2018-03-17", "cdb": "2017-03-20",
		"postgres": "2017-03-12", "redis": "2018-04-12", "monitor": "2018-07-24", "billing": "2018-07-09", "cam": "2019-01-16"}[product]
}

// isRead tells the actions that change nothing, and COS's reads, which have no action.
func isRead(r *http.Request) bool {
	action := r.Header.Get("X-TC-Action")
	for _, verb := range []string{"Describe", "Get", "Inquiry"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// connect makes the SDK's client with our transport. The SDK counts whole seconds; the context and the transport bound a
// call more closely.
func (c *Cloud) connect() error {
	client, err := wire.Client(c.account, isRead)
	if err != nil {
		return err
	}
	p := profile.NewClientProfile()
	p.HttpProfile.ReqTimeout = int(c.account.Timeout.Seconds()) + 1
	p.DisableRegionBreaker = true
	c.sdk = common.NewCommonClient(common.NewCredential(c.account.AccessKey, c.account.Secret.Reveal()), c.account.Region, p)
	c.sdk.WithHttpTransport(still{client.Transport})
	return nil
}

// still keeps from the SDK what it cannot bear. It follows redirects and cannot be told not to: a POST would arrive as GET,
// signed for another host; so the target is taken out. And it panics on the answer null.
type still struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s still) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Header.Del("Location")
	body := bufio.NewReader(resp.Body)
	if first, err := body.Peek(1); err == nil && first[0] != '{' {
		_ = resp.Body.Close()
		return nil, errHollow
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// endpoint is where a product is reached: the account's own entry, the account's base URL as it stands, or the product's
// host below the root domain.
func (c *Cloud) endpoint(product string) (scheme, host string) {
	at := c.account.Endpoints[product]
	if at == "" {
		switch root := c.account.Endpoint; {
		case strings.Contains(root, "://"):
			at = root
		case product == "cos" && root == "":
			at = "cos." + c.account.Region + ".myqcloud.com"
		case product == "cos":
			at = "cos." + c.account.Region + "." + root
		case root == "":
			at = product + "." + tchttp.RootDomain
		default:
			at = product + "." + root
		}
	}
	if u, err := url.Parse(at); err == nil && u.Host != "" {
		return u.Scheme, u.Host
	}
	return "https", strings.Trim(at, "/")
}

// answer keeps what stands in the envelope "Response".
type answer struct {
	tchttp.BaseResponse
	content json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *answer) UnmarshalJSON(b []byte) error {
	var envelope struct{ Response json.RawMessage }
	err := json.Unmarshal(b, &envelope)
	a.content = envelope.Response
	return err
}

// call signs and sends one action and decodes its answer. A business error comes with HTTP 200 and is an SDK error.
func (c *Cloud) call(ctx context.Context, product, action string, in params, out any) (requestID string, err error) {
	req := tchttp.NewCommonRequest(product, version(product), action)
	scheme, host := c.endpoint(product)
	req.SetContext(ctx)
	req.SetScheme(scheme)
	req.SetDomain(host)
	if in != nil {
		if err := req.SetActionParameters(in); err != nil {
			return "", table.Refuse(driver.Invalid, err)
		}
	}
	var a answer
	if err := c.sdk.Send(req, &a); err != nil {
		return "", err
	}
	var id struct{ RequestId string }
	if err := errors.Join(json.Unmarshal(a.content, &id), json.Unmarshal(a.content, out)); err != nil {
		return "", errors.Join(errHollow, err)
	}
	return id.RequestId, nil
}

// mutate makes one wire mutation. idAt is where the answer has the id of what was made, "" where it makes nothing;
// deal-based products answer with an order, and some of them with nothing else for a subscription.
func (c *Cloud) mutate(ctx context.Context, product, action string, in params, idAt string) (driver.Reply, error) {
	var out map[string]json.RawMessage
	request, err := c.call(ctx, product, action, in, &out)
	if err != nil {
		return driver.Reply{}, err
	}
	r := driver.Reply{RequestID: request, ID: pick(out, idAt)}
	for _, deal := range []string{"DealName", "DealId", "DealNames", "DealIds"} {
		if r.OrderID == "" {
			r.OrderID = pick(out, deal)
		}
	}
	if idAt != "" && r.ID == "" && r.OrderID == "" {
		return driver.Reply{}, errHollow
	}
	return r, nil
}

// pick reads a string, or the first of a list of strings, at a path such as "Vpc.VpcId"; "" when there is none.
func pick(in map[string]json.RawMessage, path string) string {
	name, rest, deeper := strings.Cut(path, ".")
	raw := in[name]
	if deeper {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) != nil {
			return ""
		}
		return pick(inner, rest)
	}
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		return one
	}
	if json.Unmarshal(raw, &many) == nil && len(many) > 0 {
		return many[0]
	}
	return ""
}

// act is a verb's Run: prepare reads what the call needs, and gives its parameters, or nil where there is nothing to do.
// An error of its means that nothing was sent.
func (c *Cloud) act(product, action, idAt string, prepare func(context.Context, driver.Call) (params, error)) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, call driver.Call) (driver.Reply, error) {
		in, err := prepare(ctx, call)
		if err != nil || in == nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		return c.mutate(ctx, product, action, in, idAt)
	}
}

func number[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }
