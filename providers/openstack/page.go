package openstack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun/providers/driver"
)

// pageSize is how many things one page of a listing holds; clouds may cap it lower.
const pageSize = 500

// longestName is how many bytes of a name are sent: Nova and Neutron take 255 characters.
const longestName = 250

// links are what a page says of the pages around it.
type links []struct{ Rel string }

// fetch reads one page of an account's whole listing into body, without the SDK's pager, which parses each page seven
// times: accounts hold a hundred thousand things. project is "" where the service shows no other project's.
func fetch(ctx context.Context, c *gophercloud.ServiceClient, at, project, cursor string, body any) error {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	if project != "" {
		query.Set("project_id", project)
	}
	if cursor != "" {
		query.Set("marker", cursor)
	}
	_, err := c.Get(ctx, at+"?"+query.Encode(), body, nil)
	return err
}

// paged ends the reading of a page: next is the marker of the page after it, "" after the last. An answer without a
// listing is none: it must not pass for an empty one, which proves absence.
func paged[T any](all []T, l links, err error, id func(T) string) (page []T, next string, _ error) {
	switch {
	case err != nil:
		return nil, "", err
	case all == nil:
		return nil, "", errors.New("the answer holds no listing")
	case len(all) > 0 && slices.ContainsFunc(l, func(x struct{ Rel string }) bool { return x.Rel == "next" }):
		next = id(all[len(all)-1])
	}
	return all, next, nil
}

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

// reply tells the vendor's id and the request id of an answer, whose header each service names differently.
func reply(id string, h http.Header) driver.Reply {
	r := driver.Reply{ID: id}
	for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id", "X-Trans-Id"} {
		if v := h.Get(name); v != "" {
			r.RequestID = v
			break
		}
	}
	return r
}
