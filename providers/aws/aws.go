// Package aws drives Amazon Web Services 亚马逊云科技, the China partition (cn-north-1, cn-northwest-1) as well as the rest: EC2,
// Elastic Load Balancing v2, RDS and ElastiCache over their Query interface, S3, and CloudWatch, Price List and Cost Explorer
// for what an account may tell beside its kinds. Requests are signed by the signer of the vendor's SDK (Signature Version
// 4) and sent by this project's own transport; docs/drivers/aws.md says why its typed clients are not used.
//
// What is of EC2 bears its mark in the tag duoyun-mark, given in the call that creates it; parts bear "mark part" there.
// Load balancers, databases, caches and buckets are named by their mark, and those names are unique in the account (buckets:
// in the partition): natural keys, so that sent again they make nothing. Creations that take a client token carry the
// step's. Some do not (VPCs, groups, addresses), so that Capabilities promises none.
package aws

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// Defaults of an account that says nothing. EC2 is eventually consistent and asks callers to wait for up to minutes between
// a change and what hangs on it (docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html).
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = time.Minute
)

// Cloud is one account of the vendor in one region.
type Cloud struct {
	account driver.Account
	keys    sdk.Credentials
	http    *http.Client
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
	c := &Cloud{account: a, http: client, keys: sdk.Credentials{AccessKeyID: a.AccessKey, SecretAccessKey: a.Secret.Reveal()}}
	c.kinds = map[duoyun.Kind]*table.Kind{
		duoyun.KindNetwork: networkKind{c}.kind(), duoyun.KindServer: serverKind{c}.kind(), duoyun.KindDisk: diskKind{c}.kind(),
		duoyun.KindPublicIP: publicIPKind{c}.kind(), duoyun.KindLoadBalancer: balancerKind{c}.kind(), duoyun.KindBucket: bucketKind{c}.kind(),
		duoyun.KindDatabase: databaseKind{c}.kind(), duoyun.KindCache: cacheKind{c}.kind(),
	}
	for kind, k := range c.kinds {
		k.Plans.Create = onDemand(kind, k.Plans.Create)
	}
	return c, nil
}

// check refuses an account that could not sign a call. A region becomes part of host names.
func check(a driver.Account) error {
	switch {
	case a.AccessKey == "" || a.Secret.Reveal() == "":
		return table.Impossible("access_key", "须有 AccessKey 及其密钥", "an access key and its secret are needed")
	case !regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`).MatchString(a.Region):
		return table.Impossible("region", "须写明地域，如 cn-north-1", "a region is needed, such as cn-north-1")
	case a.Platform != "":
		return table.Impossible("platform", "亚马逊云科技没有专有云平台", "there is no private-cloud platform of this vendor")
	}
	return nil
}

// onDemand refuses terms: the vendor sells reservations of capacity, which belong to no one resource, and no subscriptions.
func onDemand(k duoyun.Kind, plan func(driver.Change) ([]driver.Step, error)) func(driver.Change) ([]driver.Step, error) {
	return func(c driver.Change) ([]driver.Step, error) {
		if c.Months > 0 {
			return nil, table.Impossible("months", "亚马逊云科技不提供 %s 的包年包月", "a %s is not sold as a subscription", string(k))
		}
		return plan(c)
	}
}

// chinese reports whether the account is in the partition aws-cn, whose hosts and services are its own.
func (c *Cloud) chinese() bool { return strings.HasPrefix(c.account.Region, "cn-") }

// Capabilities implements driver.Cloud. TokenLife is 0: not every creation takes a token.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "aws", Settling: c.account.Settling, CallTimeout: c.account.Timeout}
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
