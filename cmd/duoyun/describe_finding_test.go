package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun/broker"
)

func TestAnOrderIsWithdrawnByCancel(t *testing.T) {
	t.Parallel()
	var path string
	var got map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		_ = json.NewDecoder(r.Body).Decode(&got)
		_ = json.NewEncoder(w).Encode(map[string]any{"number": "单1", "state": "cancelled"})
	}))
	defer s.Close()
	out, said, code := commandLine(t, "cancel", "单1", "--note", "不再需要", "--server", s.URL, "--token", "t")
	if code != exitOK || path != "POST /v1/orders/单1/cancel" || got["note"] != "不再需要" || !strings.Contains(out, "单1") {
		t.Errorf("exit code %d, %s %v, %s%s", code, path, got, out, said)
	}
}

func TestAFindingAboutAnOrderNamesTheCommandsThatSettleItAndNoEmptyEvidence(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][]string{
		broker.FindingShortage:  {"duoyun retry 单1", "duoyun reselect 单1 --note …", "duoyun cancel 单1 --note …"},
		broker.FindingUndoStuck: {"duoyun retry 单1"},
		broker.FindingNoOffer:   {"duoyun cancel 单1 --note …"},
		broker.FindingDisputed:  nil,
	} {
		finding := map[string]any{"number": "督1", "kind": kind, "state": "open", "about": "order", "subject": map[string]any{"code": "单1"}}
		var b bytes.Buffer
		if err := (&app{getenv: func(string) string { return "" }}).findingText(&b, finding); err != nil {
			t.Fatal(err)
		}
		var got []string
		for l := range strings.Lines(b.String()) {
			if l = strings.TrimSpace(l); strings.HasPrefix(l, "duoyun ") && !strings.HasPrefix(l, "duoyun resolve") {
				got = append(got, l)
			}
		}
		if !slices.Equal(got, want) || strings.Contains(b.String(), "null") || strings.Contains(b.String(), "依据") {
			t.Errorf("%s: %q in\n%s", kind, got, b.String())
		}
	}
}
