package main

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a vendor's cloud made up on loopback: the real driver and SDK talk to it over HTTP.
type simulated struct {
	wireFake
	name   string
	driver string
	cloud  *simcloud.Cloud
	server *http.Server
	url    string
}

// simulatedDelay is how long things take to appear in a simulated cloud: enough to be seen, too short to be boring.
const simulatedDelay = 300 * time.Millisecond

// newCloud makes a simulated cloud that speaks a driver's protocol; listen opens it.
func newCloud(name, driver string, o simcloud.Options) (*simulated, error) {
	vendor, ok := vendorFakes()[driver]
	if !ok {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "driver", "没有驱动 %s 的模拟云", "there is no simulated cloud for driver %s", driver)
	}
	o.Name, o.Regions = name, vendor.regions
	c := &simulated{name: name, driver: driver, cloud: simcloud.New(o)}
	c.wireFake = vendor.over(c.cloud)
	return c, nil
}

// listen serves the cloud at an address, such as 127.0.0.1:0, until its server is closed.
func (c *simulated) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	c.url = "http://" + l.Addr().String()
	c.server = &http.Server{Handler: c.handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(l) }() // ends with Close
	return nil
}

// account is how a pool reaches this cloud.
func (c *simulated) account() account {
	a := account{secret: c.secret, simulated: true, body: c.reach(c.url)}
	a.body["settling"], a.body["timeout"] = int64(2*time.Second), int64(5*time.Second)
	return a
}

// clouds are the simulated vendors of a demonstration.
type clouds []*simulated

// startClouds opens the cloud of every pool of a scenario that is bought from one.
func startClouds(pools []scenePool) (clouds, error) {
	delay := simcloud.Latency{Create: simulatedDelay, Change: simulatedDelay, Delete: simulatedDelay}
	var all clouds
	for _, p := range pools {
		if p.Cloud == "" {
			continue
		}
		c, err := newCloud(p.Cloud, p.driver(), simcloud.Options{Latency: delay})
		if err == nil {
			err = c.listen("127.0.0.1:0")
		}
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
