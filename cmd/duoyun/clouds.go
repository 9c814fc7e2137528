package main

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a vendor's cloud made up on loopback: the real driver and SDK talk to it over HTTP.
type simulated struct {
	name   string
	cloud  *simcloud.Cloud
	owner  simcloud.Owner
	server *http.Server
	url    string
}

// simulatedDelay is how long things take to appear in a simulated cloud: enough to be seen, too short to be boring.
const simulatedDelay = 300 * time.Millisecond

// startCloud opens a simulated cloud on a free loopback port.
func startCloud(name string) (*simulated, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	sim := simcloud.New(simcloud.Options{Name: name, Latency: simcloud.Latency{Create: simulatedDelay, Change: simulatedDelay, Delete: simulatedDelay}})
	fake := openstackfake.New(sim, openstackfake.Options{})
	c := &simulated{name: name, cloud: sim, owner: fake.Owner(openstackfake.Project), url: "http://" + l.Addr().String(),
		server: &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = c.server.Serve(l) }() // ends with Close
	return c, nil
}

// account is how a pool reaches this cloud.
func (c *simulated) account() account {
	return account{secret: openstackfake.Password, simulated: true, body: body{
		"endpoint": c.url + "/identity/v3", "region": "RegionOne", "domain": openstackfake.Domain,
		"project": openstackfake.Project, "user": openstackfake.User, "settling": int64(2 * time.Second), "timeout": int64(5 * time.Second),
		"mapping": body{"external_network": "external", "classes": body{"ssd": "ssd", "standard": "standard"}},
	}}
}

// clouds are the simulated vendors of a demonstration.
type clouds []*simulated

func startClouds(names []string) (clouds, error) {
	var all clouds
	for _, name := range names {
		c, err := startCloud(name)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all = append(all, c)
	}
	return all, nil
}

func (all clouds) accounts() map[string]account {
	m := map[string]account{}
	for _, c := range all {
		m[c.name] = c.account()
	}
	return m
}

// Close stops them all at once: they hold nothing worth draining for.
func (all clouds) Close() error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.server.Close())
	}
	return errors.Join(errs...)
}
