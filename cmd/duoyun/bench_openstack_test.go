//go:build bench && openstack

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	sdk "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

const (
	realServers    = 50
	realRuns       = 3
	realConcurrent = 32          // as many as purchase at once
	realPoll       = time.Second // of the bare loop
)

const realDocument = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
stage: production
purpose: 社保核心业务扩容
period: {start: 2026-12-01, months: 12}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "999999.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "9999999.00", status: intent}
lines:
  - {kind: server, name: app, quantity: %d, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
requires: {on_shortage: hold}
`

// TestBenchOpenStack measures servers on a real OpenStack, from the moment workers start until the order is delivered,
// against a bare loop over gophercloud that makes the same three things of each (security group, port, server) on the
// same network, as many at once, and polls until Nova says ACTIVE. The cloud is emptied between runs.
func TestBenchOpenStack(t *testing.T) {
	real := realAccount(t)
	emptied(t)
	t.Cleanup(func() { emptied(t) })
	accounts := map[string]account{}
	s := newRig(t, accounts, func(city *scenario) {
		for _, name := range city.cloudNames() {
			accounts[name] = real
		}
		for _, p := range city.Projects {
			p["approved"] = "999999999.00"
		}
	})
	warm := s.signed(t, "hrss", fmt.Sprintf(realDocument, 1))
	must(t, s.orders.Place(t.Context(), warm))
	s.deliver(t, []string{warm}) // with it the department's network
	order := s.signed(t, "hrss", fmt.Sprintf(realDocument, realServers))
	b := newBare(t, real, s.text(t, `SELECT vendor_id FROM resources WHERE kind = 'network' AND state = 'running'`))
	var ours, bare []time.Duration
	var ratios []float64
	for i := range realRuns {
		made := s.copies(t, order, 1)
		must(t, s.orders.Place(t.Context(), made[0]))
		ours = append(ours, s.deliver(t, made))
		bare = append(bare, b.run(t, i))
		ratios = append(ratios, ours[i].Seconds()/bare[i].Seconds())
	}
	line("%-34s %7.1f s   bare loop %.1f s   ratio %.2f (%s)   aim ≤ 1.15 %s", fmt.Sprintf("%d servers on OpenStack", realServers),
		median(ours).Seconds(), median(bare).Seconds(), median(ratios), spread(ratios, "%.2f"), verdict(median(ratios) <= 1.15))
}

func emptied(t *testing.T) {
	t.Helper()
	cmd := exec.Command("../../deploy/openstack/lab", "empty")
	cmd.Stderr = os.Stderr
	must(t, cmd.Run())
}

// bare is the loop that someone would write who wanted servers and nothing else.
type bare struct {
	compute, network     *gophercloud.ServiceClient
	image, flavor, netID string
}

func newBare(t *testing.T, a account, network string) *bare {
	t.Helper()
	ctx, of := t.Context(), func(key string) string { return text(map[string]any(a.body), key) }
	client, err := sdk.AuthenticatedClient(ctx, gophercloud.AuthOptions{IdentityEndpoint: of("endpoint"), Username: of("user"),
		Password: a.secret, DomainName: of("domain"), TenantName: of("project"), AllowReauth: true})
	must(t, err)
	where := gophercloud.EndpointOpts{Region: of("region")}
	b := &bare{netID: network}
	b.compute, err = sdk.NewComputeV2(client, where)
	must(t, err)
	b.network, err = sdk.NewNetworkV2(client, where)
	must(t, err)
	glance, err := sdk.NewImageV2(client, where)
	must(t, err)
	page, err := images.List(glance, images.ListOpts{Name: "kylin-v10"}).AllPages(ctx)
	must(t, err)
	found, err := images.ExtractImages(page)
	must(t, err)
	b.image = found[0].ID
	page, err = flavors.ListDetail(b.compute, nil).AllPages(ctx)
	must(t, err)
	sizes, err := flavors.ExtractFlavors(page)
	must(t, err)
	i := slices.IndexFunc(sizes, func(f flavors.Flavor) bool { return f.VCPUs == 4 && f.RAM == 16<<10 && f.Disk == 100 })
	b.flavor = sizes[i].ID
	return b
}

// run makes the servers and returns how long that took.
func (b *bare) run(t *testing.T, run int) time.Duration {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), deliverLimit)
	defer stop()
	queue := make(chan string, realServers)
	for i := range realServers {
		queue <- fmt.Sprintf("bare-%d-%d", run, i)
	}
	close(queue)
	began := time.Now()
	var workers sync.WaitGroup
	for range realConcurrent {
		workers.Go(func() {
			for name := range queue {
				if err := b.server(ctx, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	workers.Wait()
	return time.Since(began)
}

func (b *bare) server(ctx context.Context, name string) error {
	g, err := groups.Create(ctx, b.network, groups.CreateOpts{Name: name}).Extract()
	if err != nil {
		return err
	}
	p, err := ports.Create(ctx, b.network, ports.CreateOpts{Name: name, NetworkID: b.netID, SecurityGroups: &[]string{g.ID}}).Extract()
	if err != nil {
		return err
	}
	made, err := servers.Create(ctx, b.compute, servers.CreateOpts{Name: name, ImageRef: b.image, FlavorRef: b.flavor,
		Networks: []servers.Network{{Port: p.ID}}}, nil).Extract()
	for err == nil && !strings.EqualFold(made.Status, "active") {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(realPoll):
		}
		if made, err = servers.Get(ctx, b.compute, made.ID).Extract(); err == nil && made.Status == "ERROR" {
			return fmt.Errorf("nova: %s", made.Fault.Message)
		}
	}
	return err
}
