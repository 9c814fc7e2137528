package broker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// parts looks, once the units of a kind are listed, for parts of units that no record has: what a request left behind that
// arrived twice, or a deletion that did not see it. A run that goes on looks again from the first page: the same matter
// is filed once.
func (c *comparison) parts(ctx context.Context) error {
	if c.run.Cursor != "" {
		return nil // ghosts are being looked for already, and the parts come before them
	}
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := c.cloud.ListParts(ctx, c.run.Kind, cursor)
		if err != nil {
			return err
		}
		found, err := c.strays(ctx, page)
		if err != nil {
			return err
		}
		before := c.run
		c.run.Tally.Orphans += len(found)
		if len(found) > 0 {
			err = c.save(ctx, found, nil)
		}
		if err != nil {
			c.run = before
			return err
		}
		cursor = next
	}
	return nil
}

// strays are the parts of a page that no live record has. What has moved so lately that the listing may be older is left to
// the next run.
func (c *comparison) strays(ctx context.Context, page []driver.Part) ([]duoyun.Finding, error) {
	ids := make([]string, len(page))
	for i, p := range page {
		ids[i] = duoyun.ResourceOfMark(p.Mark)
	}
	records, err := c.store.Recorded(ctx, ids)
	if err != nil {
		return nil, err
	}
	var found []duoyun.Finding
	for _, p := range page {
		rec, known := records[duoyun.ResourceOfMark(p.Mark)]
		r := rec.Resource
		settled := c.now().Add(-c.cloud.Capabilities().Settling)
		switch {
		case known && (c.moving(rec, c.now()) || rec.MovedAt.After(settled)):
		case known && r.State.Live() && (r.VendorID == p.ID || part(r, p.ID)):
		default:
			found = append(found, c.stray(p, r))
		}
	}
	return found, nil
}

// stray is about a part, whose unit may be as it should: it is an orphan of its own.
func (c *comparison) stray(p driver.Part, r duoyun.Resource) duoyun.Finding {
	evidence, err := json.Marshal(map[string]any{"vendor_id": p.ID, "mark": p.Mark, "part": p.Step, "recorded_parts": r.Parts, "recorded_state": r.State})
	if err != nil {
		panic(err) // plain values
	}
	of := called(r)
	if of == "" {
		of = p.Mark
	}
	return duoyun.Finding{Kind: FindingOrphan, State: duoyun.FindingOpen, Subject: "vendor_resource", SubjectID: p.Step + " " + p.ID,
		AgencyID: r.AgencyID, SupplierID: c.pool.SupplierID, CreatedAt: c.now(), Evidence: evidence,
		Message: duoyun.Text{ZH: fmt.Sprintf("资源池 %s 中有 %s 的多余附属对象：%s %s", c.pool.Name, of, p.Step, p.ID),
			EN: fmt.Sprintf("pool %s holds a part of %s that no record has: %s %s", c.pool.Code, of, p.Step, p.ID)},
		Actions: []duoyun.FindingAction{byPeople("核实无资源使用后请云服务商删除", "have the supplier delete it once nothing uses it")}}
}
