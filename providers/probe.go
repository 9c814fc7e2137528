package providers

import (
	"context"

	"github.com/duoyun/duoyun"
)

// Probe asks a pool's cloud for a first page of whatever kind it offers: that its control plane answers. An error is
// the vendor's refusal or silence.
func (d *Directory) Probe(ctx context.Context, poolID string) error {
	c, err := d.Cloud(ctx, poolID)
	if err != nil {
		return err
	}
	for _, k := range duoyun.Kinds() {
		if _, offered := c.cloud.Kind(k); offered {
			_, err := c.List(ctx, k, "")
			return err
		}
	}
	return nil
}
