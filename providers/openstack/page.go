package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2/pagination"
)

// onePage reads one page of a listing and gives the marker of the next, "" after the last. The cloud's own next link
// decides, not the count: clouds cap the page size as they like.
func onePage[T any](ctx context.Context, p pagination.Pager, extract func(pagination.Page) ([]T, error), id func(T) string) ([]T, string, error) {
	var items []T
	next := ""
	err := p.EachPage(ctx, func(_ context.Context, page pagination.Page) (bool, error) {
		var err error
		if items, err = extract(page); err != nil || len(items) == 0 {
			return false, err
		}
		url, err := page.NextPageURL()
		if url != "" {
			next = id(items[len(items)-1])
		}
		return false, err
	})
	return items, next, err
}

// everything reads every page of a listing, by markers: next links may name a host that only the cloud can reach.
func everything[T any](ctx context.Context, list func(marker string) pagination.Pager, extract func(pagination.Page) ([]T, error), id func(T) string) ([]T, error) {
	var all []T
	for marker := ""; ; {
		items, next, err := onePage(ctx, list(marker), extract, id)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" || next == marker {
			return all, nil
		}
		marker = next
	}
}
