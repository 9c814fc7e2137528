// Package openstack drives OpenStack clouds (Nova, Cinder, Neutron, Octavia, Swift; Pike and later) through
// gophercloud. It makes one wire call per step and reports what the cloud said: the SDK's own retries and its
// re-sending after 401 are off, since only the purchase protocol may send a mutation again.
//
// What a unit's main object bears its mark in: a server's tags and metadata, a volume's metadata, the description of
// networks, ports, floating addresses and load balancers, a container's name and metadata. The other parts of a unit
// (security group, port, subnet, router, listener, pool) bear "mark part" in their description, so that they are never
// mistaken for units themselves.
package openstack

import (
	"context"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// defaults of an account that says nothing.
const (
	defaultTimeout  = 20 * time.Second
	defaultSettling = 10 * time.Second
	defaultDomain   = "Default"
)

// Cloud is one project of an OpenStack cloud in one region.
type Cloud struct {
	account driver.Account
	project string // id

	compute, volume, network, image, balancer, object *gophercloud.ServiceClient // nil: not in the catalogue

	kinds map[duoyun.Kind]*table.Kind
}

// Open authenticates and reads the catalogue. Its errors are driver.Coded.
func Open(ctx context.Context, a driver.Account) (driver.Cloud, error) {
	if a.Timeout == 0 {
		a.Timeout = defaultTimeout
	}
	if a.Settling == 0 {
		a.Settling = defaultSettling
	}
	if a.Domain == "" {
		a.Domain = defaultDomain
	}
	s, err := newSession(a)
	if err != nil {
		return nil, err
	}
	grant, err := s.authenticate(ctx)
	if err != nil {
		return nil, table.Coded(Code, err)
	}
	s.keep(grant)
	c := &Cloud{account: a, project: grant.project}
	if err := c.connect(ctx, s, grant.catalog); err != nil {
		return nil, table.Coded(Code, err)
	}
	c.kinds = c.offer()
	return c, nil
}

// Capabilities implements driver.Cloud. OpenStack keeps no idempotency tokens.
func (c *Cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "openstack", Settling: c.account.Settling, CallTimeout: c.account.Timeout}
}

// Kind implements driver.Cloud: a kind is offered where the catalogue has the services it needs.
func (c *Cloud) Kind(k duoyun.Kind) (driver.Resource, bool) {
	if r, ok := c.kinds[k]; ok {
		return r, true
	}
	return nil, false
}

// Code implements driver.Cloud.
func (c *Cloud) Code(err error) driver.Code { return Code(err) }

// offer makes the kinds once, so that Kind is a map read. A disk needs Nova too, which attaches it; a public address needs
// the account to say which network it comes from, since a project may see several.
func (c *Cloud) offer() map[duoyun.Kind]*table.Kind {
	kinds := map[duoyun.Kind]*table.Kind{}
	if c.compute != nil && c.network != nil && c.image != nil {
		kinds[duoyun.KindServer] = serverKind{c}.kind()
	}
	if c.volume != nil && c.compute != nil {
		kinds[duoyun.KindDisk] = diskKind{c}.kind()
	}
	if c.network != nil {
		kinds[duoyun.KindNetwork] = networkKind{c}.kind()
		kinds[duoyun.KindAddress] = addressKind{c}.kind()
	}
	if c.network != nil && c.account.Mapping.ExternalNetwork != "" {
		kinds[duoyun.KindPublicIP] = publicIPKind{c}.kind()
	}
	if c.balancer != nil {
		kinds[duoyun.KindLoadBalancer] = balancerKind{c}.kind()
	}
	if c.object != nil {
		kinds[duoyun.KindBucket] = bucketKind{c}.kind()
	}
	return kinds
}
