package openapi

import (
	"context"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// directory gathers the ids a page refers to and then knows their names, asked for at once for the whole page.
type directory struct {
	wanted map[string][]string
	known  map[string]map[string]duoyun.Name
}

// want notes rows to name: noun, id, noun, id … Empty ids are passed over.
func (d *directory) want(pairs ...string) {
	if d.wanted == nil {
		d.wanted = map[string][]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if noun, id := pairs[i], pairs[i+1]; id != "" && !slices.Contains(d.wanted[noun], id) {
			d.wanted[noun] = append(d.wanted[noun], id)
		}
	}
}

// learn asks for the names of everything wanted.
func (d *directory) learn(ctx context.Context, names Names) (err error) {
	d.known, err = names.Names(ctx, d.wanted)
	return err
}

// ref gives the reference to a row; the zero one for no id.
func (d *directory) ref(noun, id string) Ref {
	if id == "" {
		return Ref{}
	}
	n := d.known[noun][id]
	return Ref{ID: id, Code: n.Code, Name: n.Name}
}

// viewed turns rows into views that name what they refer to: want says what a row refers to, view makes the view.
func viewed[T, V any](ctx context.Context, s *server, rows []T, want func(*directory, T), view func(*directory, T) V) ([]V, error) {
	var d directory
	for _, r := range rows {
		want(&d, r)
	}
	if err := d.learn(ctx, s.Names); err != nil {
		return nil, err
	}
	out := make([]V, 0, len(rows)) // an empty list is [], never null
	for _, r := range rows {
		out = append(out, view(&d, r))
	}
	return out, nil
}

// single is viewed for one row.
func single[T, V any](ctx context.Context, s *server, row T, want func(*directory, T), view func(*directory, T) V) (V, error) {
	out, err := viewed(ctx, s, []T{row}, want, view)
	if err != nil {
		var none V
		return none, err
	}
	return out[0], nil
}

// page reads the paging parameters; the validator has bounded them.
func page(after string, limit int) duoyun.Page { return duoyun.Page{After: after, Limit: limit} }

// local gives a time as people here read it; the zero time stays zero, and is left out.
func local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(duoyun.Civil)
}
