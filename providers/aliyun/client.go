package aliyun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/endpoints"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// product is one of the vendor's APIs, by the name its endpoints and gateways know.
type product string

// The products this driver speaks to.
const (
	ecs   product = "Ecs"
	vpc   product = "Vpc"
	slb   product = "Slb"
	rds   product = "Rds"
	redis product = "R-kvstore"
	cms   product = "Cms"
	bss   product = "BssOpenApi"
)

// version is the API version the requests of a product are written for.
func (p product) version() string {
	return map[product]string{ecs: "2014-05-26", vpc: "2016-04-28", slb: "2014-05-15", rds: "2014-08-15", redis: "2015-01-01",
		cms: "2019-01-01", bss: "2017-12-14"}[p]
}

// label begins the product's host names.
func (p product) label() string {
	switch p {
	case cms:
		return "metrics"
	case bss:
		return "business"
	}
	return strings.ToLower(string(p))
}

// params are a call's own parameters; "" is left out.
type params map[string]string

// host is where a product is called.
type host struct{ scheme, name string }

// hosts finds every product's once: the account's own, its gateway, or below its root domain. The public cloud's are those
// the SDK's own list gives a region, or follow its rule for newer regions; nothing is looked up online.
func hosts(a driver.Account) (map[product]host, error) {
	all := map[product]host{}
	for _, p := range []product{ecs, vpc, slb, rds, redis, cms, bss} {
		base := a.Endpoints[p.label()]
		if base == "" && strings.Contains(a.Endpoint, "://") {
			base = a.Endpoint
		}
		switch {
		case base != "":
			if !strings.Contains(base, "://") {
				base = "https://" + base
			}
			u, err := url.Parse(base)
			if err != nil || u.Host == "" {
				return nil, table.Impossible("endpoints", "%s 的地址不是 URL", "the endpoint of %s is no URL", p.label())
			}
			all[p] = host{u.Scheme, u.Host}
		case a.Endpoint != "":
			all[p] = host{"https", p.label() + "." + a.Region + "." + a.Endpoint}
		default:
			all[p] = host{"https", p.public(a.Region)}
		}
	}
	return all, nil
}

// public is a product's host on the public cloud.
func (p product) public(region string) string {
	if p == bss {
		return "business.aliyuncs.com"
	}
	listed, ok, err := new(endpoints.LocalRegionalResolver).TryResolve(&endpoints.ResolveParam{Product: string(p), RegionId: region})
	if err == nil && ok {
		return listed
	}
	return p.label() + "." + region + ".aliyuncs.com"
}

// secret parameters, and the longest, travel in the body: URLs are kept by proxies and in errors. The vendor's signature
// covers both places alike.
func secret(name string) bool {
	return slices.Contains([]string{"Password", "AccountPassword", "UserData"}, name)
}

// request builds and signs one call. On Apsara Stack it names where the resource is booked, in the headers and parameters
// that the gateway reads.
func (c *Cloud) request(ctx context.Context, p product, action string, in params) (*http.Request, error) {
	r := requests.NewCommonRequest()
	r.Method, r.Product, r.Version, r.ApiName = http.MethodPost, string(p), p.version(), action
	r.Scheme, r.Domain = c.hosts[p].scheme, c.hosts[p].name
	for name, value := range in {
		switch {
		case secret(name) && value != "":
			r.FormParams[name] = value
		case value != "" || name == "ProductType": // which the vendor wants, empty
			r.QueryParams[name] = value
		}
	}
	if c.account.Platform == apsara {
		c.book(r, p)
	}
	r.TransToAcsRequest()
	if err := auth.Sign(r, nil, c.account.Region, c.keys); err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, r.Method, r.BuildUrl(), r.GetBodyReader())
	if err != nil {
		return nil, err
	}
	for name, value := range r.GetHeaders() {
		q.Header.Set(name, value)
	}
	return q, nil
}

// book says to Apsara Stack's gateway for whom a call is made. The names are those of the vendor's own Terraform provider
// (terraform-provider-alibabacloudstack, connectivity/client.go).
func (c *Cloud) book(r *requests.CommonRequest, p product) {
	a := c.account
	maps.Copy(r.Headers, map[string]string{"RegionId": a.Region, "x-acs-regionid": a.Region, "x-acs-organizationid": a.Organization,
		"x-acs-resourcegroupid": a.ResourceGroup, "x-acs-request-version": "v1", "x-acs-asapi-product": string(p), "x-ascm-product-name": string(p)})
	maps.Copy(r.QueryParams, map[string]string{"Department": a.Organization, "OrganizationId": a.Organization, "ResourceGroup": a.ResourceGroup})
}

// isRead tells what may reuse a connection: RPC sends everything by POST, and names what it does in a header.
func isRead(r *http.Request) bool {
	action := r.Header.Get("x-acs-action")
	if action == "" {
		return r.Method == http.MethodGet
	}
	for _, verb := range []string{"Describe", "Query", "Get", "List"} {
		if strings.HasPrefix(action, verb) {
			return true
		}
	}
	return false
}

// call makes one request and decodes its answer into out, unless that is nil. It returns the vendor's request id.
func (c *Cloud) call(ctx context.Context, p product, action string, in params, out any) (string, error) {
	q, err := c.request(ctx, p, action, in)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(q)
	if err != nil {
		return "", bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	return decode(resp.StatusCode, body, out)
}

// bare takes the URL off an error: it bears the access key and the signature.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// word is text in whatever JSON type a product writes it.
type word string

// UnmarshalJSON implements json.Unmarshaler.
func (w *word) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	if s == "null" {
		s = ""
	}
	*w = word(s)
	return nil
}

// outcome is what every answer may say of itself. BssOpenApi and Cms refuse with HTTP 200; Apsara Stack's gateway has words
// of its own.
type outcome struct {
	RequestID    word `json:"RequestId"`
	Code         word `json:"Code"`
	Message      word `json:"Message"`
	Success      word `json:"Success"`
	GatewayOK    word `json:"asapiSuccess"`
	GatewayCode  word `json:"asapiErrorCode"`
	GatewayWords word `json:"asapiErrorMessage"`
	ErrorKey     word `json:"errorKey"`
}

// Refusal is what the vendor answered instead of doing what was asked.
type Refusal struct {
	Status                   int
	Code, Message, RequestID string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s (request %s)", r.Status, r.Code, r.Message, r.RequestID)
}

// decode tells an answer from a refusal.
func decode(status int, body []byte, out any) (string, error) {
	var o outcome
	err := json.Unmarshal(body, &o)
	for _, code := range []word{o.GatewayCode, o.ErrorKey} {
		if o.Code == "" {
			o.Code = code
		}
	}
	if o.Message == "" {
		o.Message = o.GatewayWords
	}
	fine := slices.Contains([]word{"", "200", "Success", "OK"}, o.Code) && o.Success != "false" && o.GatewayOK != "false"
	if status < 200 || status > 299 || err == nil && !fine {
		return string(o.RequestID), &Refusal{status, string(o.Code), string(o.Message), string(o.RequestID)}
	}
	if err == nil && out != nil {
		err = json.Unmarshal(body, out)
	}
	if err != nil {
		return string(o.RequestID), fmt.Errorf("the answer cannot be read: %w", err)
	}
	return string(o.RequestID), nil
}

// made is what the creations answer.
type made struct {
	VpcID           string `json:"VpcId"`
	VSwitchID       string `json:"VSwitchId"`
	SecurityGroupID string `json:"SecurityGroupId"`
	DiskID          string `json:"DiskId"`
	AllocationID    string `json:"AllocationId"`
	LoadBalancerID  string `json:"LoadBalancerId"`
	DBInstanceID    string `json:"DBInstanceId"`
	InstanceID      string `json:"InstanceId"`
	OrderID         word   `json:"OrderId"`
	EipAddress      string
	Address         string
	InstanceIDSets  struct {
		InstanceIDSet []string `json:"InstanceIdSet"`
	} `json:"InstanceIdSets"`
}

var errNameless = errors.New("the answer to a creation has no id in it")

// create makes one creation, whose id the answer must show; without it whatever was made has to be looked for.
func (c *Cloud) create(ctx context.Context, p product, action string, in params, id func(made) string) (driver.Reply, error) {
	var m made
	request, err := c.call(ctx, p, action, in, &m)
	if err != nil {
		return driver.Reply{}, err
	}
	reply := driver.Reply{ID: id(m), OrderID: string(m.OrderID), RequestID: request}
	if reply.ID == "" {
		return reply, errNameless
	}
	for _, address := range []string{m.EipAddress, m.Address} {
		if address != "" {
			reply.Addresses = []string{address}
		}
	}
	return reply, nil
}

// change makes one mutation that creates nothing; some make an order.
func (c *Cloud) change(ctx context.Context, p product, action string, in params) (driver.Reply, error) {
	var m made
	request, err := c.call(ctx, p, action, in, &m)
	return driver.Reply{OrderID: string(m.OrderID), RequestID: request}, err
}
