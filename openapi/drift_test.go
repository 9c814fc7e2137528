package openapi_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// fields lists the names a type has in JSON.
func fields(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "-" && name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func TestSchemasOfRootTypesHaveTheirFields(t *testing.T) {
	t.Parallel()
	schemas := specification(t).Components.Schemas
	for name, of := range map[string]any{
		"Rules": duoyun.ContractRules{}, "Clause": duoyun.SLAClause{}, "Xinchuang": duoyun.Xinchuang{}, "AddressPlan": duoyun.AddressPlan{},
		"Signer": duoyun.Sign{}, "Period": duoyun.Period{}, "YearYuan": duoyun.YearFen{}, "OrderDocument": duoyun.OrderRequest{},
		"Recommendation": duoyun.Recommendation{}, "Account": driver.Account{},
	} {
		var specified []string
		for field := range schemas[name].Value.Properties {
			specified = append(specified, field)
		}
		slices.Sort(specified)
		if want := fields(reflect.TypeOf(of)); !slices.Equal(specified, want) {
			t.Errorf("%s: the specification has %v, the type %v", name, specified, want)
		}
	}
}

func TestEnumsAreThoseOfTheLifecycles(t *testing.T) {
	t.Parallel()
	schemas := specification(t).Components.Schemas
	for name, want := range map[string][]string{
		"OrderState": states(duoyun.OrderLifecycle()), "TaskState": states(duoyun.TaskLifecycle()), "ResourceState": states(duoyun.ResourceLifecycle()),
		"IncidentState": states(duoyun.IncidentLifecycle()), "Kind": texts(duoyun.Kinds()), "Role": texts(duoyun.Roles()), "Dimension": texts(duoyun.Dimensions()),
	} {
		var got []string
		for _, v := range schemas[name].Value.Enum {
			got = append(got, v.(string))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the specification has %v, the product %v", name, got, want)
		}
	}
}

func states[S ~string](l duoyun.Lifecycle[S]) []string {
	var out []string
	for _, e := range l.Edges {
		out = append(out, string(e.From))
	}
	return out
}

func texts[S ~string](all []S) []string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

func TestMoneyAndDaysTravelAsText(t *testing.T) {
	t.Parallel()
	var x struct {
		Fen  duoyun.Fen  `json:"fen"`
		Date duoyun.Date `json:"date"`
	}
	if err := json.Unmarshal([]byte(`{"fen": "7200.50", "date": "2026-12-01"}`), &x); err != nil || x.Fen != 720050 || x.Date.Month != 12 {
		t.Errorf("%+v %v", x, err)
	}
}
