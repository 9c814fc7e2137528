// Package ctyun drives China Telecom's cloud 天翼云 through its open platform (EOP): a small JSON client of our own, since
// the vendor's Go SDKs retry and log. What it relies on is in docs/drivers/ctyun.md, with what could not be established.
//
// Purchases, changes and releases of what is charged are orders: the call answers with the order's id, and the order, once
// it is done, with the ids of what it made. A look asks the order where its id is known, and otherwise the listing.
//
// What a unit bears its mark in: a server's instance name, a disk's name, the description of networks, groups and load
// balancers, the name of buckets, databases and caches. Public addresses and target groups have no description and names
// of 32 characters at most: they are named by the mark's brief form, which reads back as the mark. Other parts bear
// "mark part" in their description.
package ctyun

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// defaults of an account that says nothing.
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = 10 * time.Second
)

// tokenLife is how long the vendor keeps a clientToken (its SDK's words: the same token and parameters within 24 hours are
// one request).
const tokenLife = 24 * time.Hour

// Cloud is one account in one region (资源池) of the vendor.
type Cloud struct {
	account driver.Account
	http    *http.Client
	kinds   map[duoyun.Kind]*table.Kind
}

// Open makes no call: the vendor has no login, each request is signed.
func Open(_ context.Context, a driver.Account) (driver.Cloud, error) {
	if a.Timeout == 0 {
		a.Timeout = defaultTimeout
	}
	if a.Settling == 0 {
		a.Settling = defaultSettling
	}
	if a.AccessKey == "" || a.Secret.Reveal() == "" || a.Region == "" {
		return nil, table.Impossible("account", "天翼云账号须有 access_key、密钥和 region（资源池 ID）", "a ctyun account has an access_key, a secret and a region (the pool's id)")
	}
	if err := addressed(a); err != nil {
		return nil, err
	}
	client, err := wire.Client(a, isRead)
	if err != nil {
		return nil, err
	}
	c := &Cloud{account: a, http: client}
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
	return c, nil
}

// addressed checks where an account says that the vendor is: a URL, or a root domain.
func addressed(a driver.Account) error {
	for _, where := range append(slices.Collect(maps.Values(a.Endpoints)), a.Endpoint) {
		if where != "" && !strings.Contains(where, "://") {
			where = "https://" + where
		}
		if u, err := url.Parse(where); err != nil || where != "" && (u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "http" && u.Scheme != "https") {
			return table.Impossible("endpoint", "地址须为域名或 http(s)://主机", "an endpoint is a domain or http(s)://host")
		}
	}
	return nil
}

// Capabilities implements driver.Cloud.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "ctyun", Settling: c.account.Settling, CallTimeout: c.account.Timeout, TokenLife: tokenLife}
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

var (
	_ driver.QuotaReader   = (*Cloud)(nil)
	_ driver.Checker       = (*Cloud)(nil)
	_ driver.Quoter        = (*Cloud)(nil)
	_ driver.Catalogue     = (*Cloud)(nil)
	_ driver.MetricsReader = (*Cloud)(nil)
)
