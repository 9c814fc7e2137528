// Package huawei drives Huawei Cloud 华为云, and Huawei Cloud Stack where the account gives its endpoints (platform hcs).
// Requests are built and signed (SDK-HMAC-SHA256) by the core of Huawei's own Go SDK; the replies are small structs of
// ours, so that money stays the text the vendor sent. One call is one request: nothing is sent twice, and IAM is never
// asked, since the account names its project.
//
// What a unit's main object bears its mark in: the description of VPCs, servers, volumes, load balancers and caches, the
// name of a public IP and its bandwidth, of a database, of a bucket. The other parts of a unit (subnet, security group,
// rules, listener, pool) bear "mark part" in their description.
package huawei

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// defaults of an account that says nothing. How long a listing may lag behind is not documented; a server's own record
// may be missing while it is being built (api-ecs, CreateServers, serverIds).
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = 2 * time.Minute
)

// platformStack is Huawei Cloud Stack: it has no public billing service, unless the account names an endpoint of one.
const platformStack = "hcs"

// Cloud is one project of an account in one region. It keeps no state.
type Cloud struct {
	account driver.Account
	http    *http.Client
	kinds   map[duoyun.Kind]*table.Kind
}

// Open makes no call: keys are proven by the first one. Its errors are driver.Coded.
func Open(_ context.Context, a driver.Account) (driver.Cloud, error) {
	if a.Timeout == 0 {
		a.Timeout = defaultTimeout
	}
	if a.Settling == 0 {
		a.Settling = defaultSettling
	}
	if err := check(a); err != nil {
		return nil, err
	}
	h, err := wire.Client(a, isRead)
	if err != nil {
		return nil, err
	}
	c := &Cloud{account: a, http: h}
	c.kinds = map[duoyun.Kind]*table.Kind{
		duoyun.KindNetwork:      networkKind{c}.kind(),
		duoyun.KindServer:       serverKind{c}.kind(),
		duoyun.KindDisk:         diskKind{c}.kind(),
		duoyun.KindPublicIP:     publicIPKind{c}.kind(),
		duoyun.KindLoadBalancer: balancerKind{c}.kind(),
		duoyun.KindBucket:       bucketKind{c}.kind(),
		duoyun.KindDatabase:     databaseKind{c}.kind(),
		duoyun.KindCache:        cacheKind{c}.kind(),
	}
	if c.hasBilling() {
		return billing{c}, nil
	}
	return c, nil
}

// check refuses an account that could not make a call. Region and project become part of hosts and paths.
func check(a driver.Account) error {
	word := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	switch {
	case a.AccessKey == "" || a.Secret.Reveal() == "":
		return table.Impossible("access_key", "须有 Access Key 及其密钥", "an access key and its secret are needed")
	case !word.MatchString(a.Region):
		return table.Impossible("region", "须写明区域，如 cn-north-4", "a region is needed, such as cn-north-4")
	case !word.MatchString(a.Project):
		return table.Impossible("project", "须写明项目 ID", "the project's ID is needed")
	case a.Platform != "" && a.Platform != platformStack:
		return table.Impossible("platform", "平台应为空（公有云）或 hcs（私有云）", "the platform is empty (public cloud) or hcs")
	case a.Platform == platformStack && a.Endpoint == "":
		return table.Impossible("endpoint", "私有云须写明域名或网关地址", "Huawei Cloud Stack needs its domain or gateway as endpoint")
	}
	return nil
}

// Capabilities implements driver.Cloud. Tokens are sent where an operation takes them (servers, disks, databases), but the
// protocol may not lean on them: VPCs, public IPs, load balancers and caches have none, RDS keeps them 72 hours for MySQL
// alone (api-rds rds_10_0205), and for ECS and EVS no time is documented.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "huawei", Settling: c.account.Settling, CallTimeout: c.account.Timeout}
}

// Kind implements driver.Cloud.
func (c *Cloud) Kind(k duoyun.Kind) (driver.Resource, bool) {
	if r, ok := c.kinds[k]; ok {
		return r, true
	}
	return nil, false
}

// Code implements driver.Cloud.
func (c *Cloud) Code(err error) driver.Code { return Code(err) }

// step is the name of a step that is waited for.
func step(name string) driver.Step { return driver.Step{Name: name, Await: true} }

// principal is step for the main object.
func principal(name string) driver.Step { return driver.Step{Name: name, Main: true, Await: true} }

// moment reads a time as the services write it: UTC, with or without a zone; fractions are read in any of these forms.
func moment(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// title is a name for people in the letters that most services take: Chinese, English, digits and _-. (1 to 64).
func title(c driver.Change) string {
	name := []rune(table.Title(c, 192))
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= 0x4e00 && r <= 0x9fa5
		if !letter && r != '_' && r != '.' {
			name[i] = '-'
		}
	}
	return string(name[:min(len(name), 64)])
}

// twice reads the refusal of a creation whose place is taken: it was taken by the same request before it arrived a second
// time. Whether it was done is for a look to say.
func twice(err error) error {
	if Code(err) == driver.NotReady {
		return table.Refuse(driver.InDoubt, err)
	}
	return err
}

// made is the reply of a creation; without an id it is in doubt what there is.
func made(id, order, requestID string, err error) (driver.Reply, error) {
	if err == nil && id == "" && order == "" {
		err = errNoID
	}
	return driver.Reply{ID: id, OrderID: order, RequestID: requestID}, err
}

// gone ends a deletion: what is not there need not be deleted.
func gone(requestID string, err error) (driver.Reply, error) {
	return driver.Reply{RequestID: requestID}, table.Ignoring(Code, err, driver.NotFound)
}
