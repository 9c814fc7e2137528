package document

import (
	"fmt"

	"github.com/duoyun/duoyun"
)

// fill puts in what the document may leave out. A quantity of 1 is set where lines are read, since 0 is a fault.
func fill(r *duoyun.OrderRequest) {
	if r.Form == duoyun.FormOpen {
		orDefault(&r.Stage, "production")
	}
	if r.Form == duoyun.FormOpen || r.Form == duoyun.FormRenew {
		orDefault(&r.Period.Renew, "ask")
	}
	if r.Form != duoyun.FormRelease {
		orDefault(&r.Requires.OnShortage, "hold")
	}
	for i := range r.Funding {
		orDefault(&r.Funding[i].Status, "hold")
	}
	if r.Form == duoyun.FormOpen {
		fillOpen(r)
	} else {
		fillExisting(r)
	}
}

func orDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// fillOpen gives what people log in to its login and lets what hangs on another line stand in that line's zone. Twice, since a
// public address may hang on a load balancer that takes its zone from its servers.
func fillOpen(r *duoyun.OrderRequest) {
	for range 2 {
		for i := range r.Lines {
			l := &r.Lines[i]
			switch {
			case l.Kind == duoyun.KindServer:
				orDefault(&l.Login, "key")
			case l.Kind == duoyun.KindDatabase || l.Kind == duoyun.KindCache:
				orDefault(&l.Login, "secret")
			case l.Kind == duoyun.KindAddress && l.Spec == nil:
				l.Spec = duoyun.AddressSpec{Count: 1}
			}
			for _, ref := range l.References() {
				if to, ok := r.Line(string(ref)); ok && to.Name != l.Name {
					orDefault(&l.Zone, to.Zone)
				}
			}
		}
	}
}

// fillExisting names the lines, which cuts and prices speak of by name, and makes release the action of a release.
func fillExisting(r *duoyun.OrderRequest) {
	taken := map[string]bool{}
	for _, l := range r.Lines {
		taken[l.Name] = true
	}
	next := 1
	for i := range r.Lines {
		l := &r.Lines[i]
		if r.Form == duoyun.FormRelease && l.Action == "" {
			l.Action = duoyun.ActionRelease
		}
		for l.Name == "" {
			if name := fmt.Sprintf("l%d", next); !taken[name] {
				l.Name = name
			}
			next++
		}
	}
}
