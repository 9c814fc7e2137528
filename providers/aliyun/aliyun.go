// Package aliyun drives Alibaba Cloud 阿里云 and Apsara Stack 专有云 over their RPC interface (signature 1.0), and OSS for
// buckets. Requests are built and signed by the core of the vendor's SDK and sent by this project's own transport: the
// SDK's client retries, looks endpoints up online and knows no context.
//
// What a unit's main object bears its mark in: the description of VPCs, servers, disks, addresses and databases, the name
// of load balancers, caches and buckets, which have no description at creation. Parts bear "mark part" in theirs.
// Creations carry the step's token as ClientToken. What has none (listener, members, attachment, power) has a natural key:
// sent again it changes nothing.
package aliyun

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// Defaults of an account that says nothing. The vendor says neither how long its listings lag nor how long it keeps client
// tokens (help.aliyun.com/document_detail/25693.html gives no time); both are this project's guess on the safe side.
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = 30 * time.Second
	tokenLife       = 10 * time.Minute
)

// apsara is the Platform of an account on Apsara Stack.
const apsara = "apsara"

// Cloud is one account of the vendor in one region.
type Cloud struct {
	account driver.Account
	keys    *credentials.StaticAKCredentialsProvider
	hosts   map[product]host
	http    *http.Client
	objects *oss.Client
	kinds   map[duoyun.Kind]*table.Kind
}

// Open prepares an account. It makes no call: the keys are proven by the first. Its errors are driver.Coded.
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
	client, err := wire.Client(a, isRead)
	if err != nil {
		return nil, err
	}
	where, err := hosts(a)
	if err != nil {
		return nil, err
	}
	c := &Cloud{account: a, hosts: where, http: client, keys: credentials.NewStaticAKCredentialsProvider(a.AccessKey, a.Secret.Reveal())}
	if c.objects, err = c.storage(); err != nil {
		return nil, err
	}
	c.kinds = map[duoyun.Kind]*table.Kind{
		duoyun.KindNetwork: networkKind{c}.kind(), duoyun.KindServer: serverKind{c}.kind(), duoyun.KindDisk: diskKind{c}.kind(),
		duoyun.KindPublicIP: publicIPKind{c}.kind(), duoyun.KindLoadBalancer: balancerKind{c}.kind(), duoyun.KindBucket: bucketKind{c}.kind(),
		duoyun.KindDatabase: databaseKind{c}.kind(), duoyun.KindCache: cacheKind{c}.kind(),
	}
	if a.Platform == apsara {
		return c, nil
	}
	return public{c}, nil
}

// check refuses an account that could not sign a call. A region becomes part of host names.
func check(a driver.Account) error {
	switch {
	case a.AccessKey == "" || a.Secret.Reveal() == "":
		return table.Impossible("access_key", "须有 AccessKey 及其密钥", "an access key and its secret are needed")
	case !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(a.Region):
		return table.Impossible("region", "须写明地域，如 cn-hangzhou", "a region is needed, such as cn-hangzhou")
	case a.Platform != "" && a.Platform != apsara:
		return table.Impossible("platform", "平台应为空（公共云）或 apsara（专有云）", "the platform is empty (public cloud) or apsara")
	case a.Platform == apsara && a.Endpoint == "":
		return table.Impossible("endpoint", "专有云须写明网关地址", "Apsara Stack needs its gateway as endpoint")
	}
	return nil
}

// Capabilities implements driver.Cloud.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "aliyun", Settling: c.account.Settling, CallTimeout: c.account.Timeout, TokenLife: tokenLife}
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
