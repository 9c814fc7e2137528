package providers

import (
	"context"

	"github.com/duoyun/duoyun"
)

// Probe asks a pool's cloud for a first page of whatever kind it offers: that its control plane answers. An error is
// the vendor's refusal or silence, never our own breaker's: what is held against a vendor was asked of it.
func (d *Directory) Probe(ctx context.Context, poolID string) error {
	c, err := d.opened(ctx, poolID)
	if err != nil {
		return err
	}
	for _, k := range duoyun.Kinds() {
		if c.Offers(k) {
			return c.probe(ctx, k)
		}
	}
	return nil
}

func (c *Cloud) probe(ctx context.Context, k duoyun.Kind) error {
	if c.guard == nil || c.guard.health(ctx, verbRead).State == duoyun.CircuitNormal {
		_, err := c.List(ctx, k, "")
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Capabilities().CallTimeout)
	defer cancel()
	if err := c.guard.ask(ctx, k); err != nil {
		return c.wrap("list", k, err)
	}
	return nil
}
