// Package tencent drives Tencent Cloud 腾讯云, and TCE private clouds by their root domain, through API 3.0 (CVM, CBS, VPC,
// CLB, CDB, PostgreSQL, Redis, Monitor, Billing) and the XML API of COS. It uses the core of the vendor's SDK with generic
// requests and its own small replies: the SDK's retries and its region breaker are off, since only the purchase protocol
// may send a mutation again, and money is read from the raw text.
//
// A unit's main object bears its mark in the tag duoyun-mark of its create call; databases and caches bear it as their name
// as well, since CDB shows no tags of an instance that is being made (document 236/15872). Subnets, security groups and
// listeners bear "mark part" as their name.
//
// Tencent keeps no client tokens for VPCs, subnets, security groups, PostgreSQL and Redis. Capabilities therefore state
// none at all: a token is sent wherever there is one, and what became of a call is found out by mark alone.
package tencent

import (
	"context"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Defaults of an account that says nothing. No document states how long a listing or a tag may lag.
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = 30 * time.Second
)

// Cloud is one account of Tencent Cloud in one region.
type Cloud struct {
	account driver.Account
	sdk     *common.Client
	buckets *bucketClients
	kinds   map[duoyun.Kind]*table.Kind
}

// Open connects an account and asks CAM for its APPID, which names of buckets end in, unless the account gives it as
// project. Its errors are driver.Coded.
func Open(ctx context.Context, a driver.Account) (driver.Cloud, error) {
	if a.Timeout == 0 {
		a.Timeout = defaultTimeout
	}
	if a.Settling == 0 {
		a.Settling = defaultSettling
	}
	c := &Cloud{account: a}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := c.connect(); err != nil {
		return nil, table.Coded(Code, err)
	}
	if c.account.Project == "" {
		if err := c.askAppID(ctx); err != nil {
			return nil, table.Coded(Code, err)
		}
	}
	if err := c.connectBuckets(); err != nil {
		return nil, table.Coded(Code, err)
	}
	c.kinds = map[duoyun.Kind]*table.Kind{
		duoyun.KindNetwork: networkKind{c}.kind(), duoyun.KindServer: serverKind{c}.kind(), duoyun.KindDisk: diskKind{c}.kind(),
		duoyun.KindPublicIP: publicIPKind{c}.kind(), duoyun.KindLoadBalancer: balancerKind{c}.kind(), duoyun.KindBucket: bucketKind{c}.kind(),
		duoyun.KindDatabase: databaseKind{c}.kind(), duoyun.KindCache: cacheKind{c}.kind(),
	}
	return c, nil
}

// check refuses an account that cannot serve before anything is sent.
func (c *Cloud) check() error {
	a := c.account
	switch {
	case a.AccessKey == "" || a.Secret.Reveal() == "":
		return table.Impossible("access_key", "账号没有 SecretId 或 SecretKey", "the account has no SecretId or no SecretKey")
	case a.Region == "":
		return table.Impossible("region", "账号没有地域", "the account has no region")
	case a.Platform != "" && a.Platform != "tce":
		return table.Impossible("platform", "平台应为空或 tce", "the platform is empty or tce")
	case a.Platform == "tce" && a.Endpoint == "":
		return table.Impossible("endpoint", "TCE 账号须写明根域名", "a TCE account needs its root domain")
	}
	return nil
}

// askAppID reads the account's APPID (CAM, document 598/85165).
func (c *Cloud) askAppID(ctx context.Context) error {
	var out struct{ AppId int64 }
	if _, err := c.call(ctx, "cam", "GetUserAppId", nil, &out); err != nil {
		return err
	}
	if out.AppId == 0 {
		return errHollow
	}
	c.account.Project = number(out.AppId)
	return nil
}

// Capabilities implements driver.Cloud. See the package's comment on tokens.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "tencent", Settling: c.account.Settling, CallTimeout: c.account.Timeout}
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
