package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// hoursAMonth is how many hours the vendor reckons a month of storage as (aws.amazon.com/calculator, "730 hours").
const hoursAMonth = 730

// part is something with a list price: of a unit and hour, or of a unit and month.
type part struct {
	service string // as the price list calls it
	filters map[string]string
	units   int64
}

// Quote implements driver.Quoter by the price list of the region on demand: what is listed by GB-month counts with the
// 730th part. Discounts of the account are not in it.
func (c *Cloud) Quote(ctx context.Context, change driver.Change) (duoyun.Quote, error) {
	if change.Months > 0 {
		return duoyun.Quote{}, table.Impossible("months", "亚马逊云科技不提供包年包月", "nothing is sold as a subscription")
	}
	parts, err := c.priced(ctx, change)
	if err != nil {
		return duoyun.Quote{}, err
	}
	q := duoyun.Quote{Per: "hour"}
	for _, p := range parts {
		hourly, currency, err := c.listPrice(ctx, p)
		if err != nil {
			return duoyun.Quote{}, err
		}
		q.Amount, q.Currency = q.Amount.Plus(hourly.Times(p.units)), currency
	}
	return q, nil
}

// priced are the parts that a creation is charged by.
func (c *Cloud) priced(ctx context.Context, change driver.Change) ([]part, error) {
	switch spec := change.After.(type) {
	case duoyun.ServerSpec:
		zone, _, err := c.zonesFor(ctx, change.Zone)
		if err != nil {
			return nil, err
		}
		image, err := c.image(ctx, spec.Image)
		if err != nil {
			return nil, err
		}
		f, err := c.flavor(ctx, spec, zone, image.Arch)
		return []part{{"AmazonEC2", map[string]string{"instanceType": f.ID, "operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}, 1},
			storagePart(orElse(c.account.Mapping.Classes[classSystem], "gp3"), spec.SystemDiskGiB)}, err
	case duoyun.DiskSpec:
		kind, err := c.volumeType(spec.Class)
		return []part{storagePart(kind, spec.SizeGiB)}, err
	case duoyun.CacheSpec:
		node, err := cacheKind{c}.nodeType(spec)
		return []part{{"AmazonElastiCache", map[string]string{"instanceType": node, "cacheEngine": "Redis"}, spec.Nodes()}}, err
	case duoyun.DatabaseSpec:
		return c.databaseParts(ctx, spec)
	}
	return nil, table.Impossible("kind", "此类资源没有按小时的目录价", "the kind has no list price by the hour")
}

func storagePart(volumeType string, gib int64) part {
	return part{"AmazonEC2", map[string]string{"productFamily": "Storage", "volumeApiName": volumeType}, gib}
}

func (c *Cloud) databaseParts(ctx context.Context, spec duoyun.DatabaseSpec) ([]part, error) {
	name, _, err := engine(spec.Engine)
	if err != nil {
		return nil, err
	}
	_, class, err := databaseKind{c}.class(ctx, spec, name)
	deployment := "Single-AZ"
	if spec.Standby {
		deployment = "Multi-AZ"
	}
	listed := map[string]string{"mysql": "MySQL", "postgres": "PostgreSQL"}[name]
	volume, known := map[string]string{"gp3": "General Purpose-GP3", "gp2": "General Purpose"}[orElse(c.account.Mapping.Classes[classDatabase], "gp3")]
	if err == nil && !known {
		err = table.Impossible("class", "此存储类型按性能另计，没有单一目录价", "the storage type is charged by its speed too, and has no one list price")
	}
	return []part{{"AmazonRDS", map[string]string{"instanceType": class, "databaseEngine": listed, "deploymentOption": deployment}, 1},
		{"AmazonRDS", map[string]string{"productFamily": "Database Storage", "volumeType": volume, "deploymentOption": deployment}, spec.StorageGiB}}, err
}

// listPrice reads the price of an hour of one unit. What the filters do not make one is not guessed at.
func (c *Cloud) listPrice(ctx context.Context, p part) (duoyun.Amount, string, error) {
	type filter struct{ Type, Field, Value string }
	filters := []filter{{"TERM_MATCH", "regionCode", c.account.Region}}
	for field, value := range p.filters {
		filters = append(filters, filter{"TERM_MATCH", field, value})
	}
	slices.SortFunc(filters, func(a, b filter) int { return strings.Compare(a.Field, b.Field) })
	var answer struct{ PriceList []string }
	if err := c.ask(ctx, prices, "GetProducts", map[string]any{"ServiceCode": p.service, "Filters": filters, "FormatVersion": "aws_v1"}, &answer); err != nil {
		return duoyun.Amount{}, "", err
	}
	if len(answer.PriceList) != 1 {
		return duoyun.Amount{}, "", table.Impossible("spec", "目录价不唯一：%s 有 %s 项", "the list price is not one: %s has %s", fmt.Sprint(p.filters), strconv.Itoa(len(answer.PriceList)))
	}
	return hourly(answer.PriceList[0])
}

// hourly reads a product of the price list: JSON within JSON, with its prices as text.
func hourly(product string) (duoyun.Amount, string, error) {
	var listed struct {
		Terms struct {
			OnDemand map[string]struct {
				PriceDimensions map[string]struct {
					Unit, BeginRange string
					PricePerUnit     map[string]string
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(product), &listed); err != nil {
		return duoyun.Amount{}, "", fmt.Errorf("the price cannot be read: %w", err)
	}
	for _, term := range listed.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			for currency, price := range d.PricePerUnit {
				if d.BeginRange != "0" || currency == "" { // a tier that only large customers reach
					continue
				}
				amount, err := duoyun.ParseAmount(plain(price))
				if strings.HasPrefix(d.Unit, "GB-Mo") {
					amount = amount.Over(hoursAMonth)
				}
				return amount, currency, err
			}
		}
	}
	return duoyun.Amount{}, "", errHollow
}
