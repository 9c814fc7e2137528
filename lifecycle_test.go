package duoyun_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
)

const lifecycleDoc = "docs/lifecycles.md"

// TestTheDocsDrawTheLifecyclesFromTheirTables rewrites the page when DUOYUN_UPDATE_DOCS is set, and otherwise holds the
// committed page to the tables.
func TestTheDocsDrawTheLifecyclesFromTheirTables(t *testing.T) {
	t.Parallel()
	want := drawAll()
	if os.Getenv("DUOYUN_UPDATE_DOCS") != "" {
		if err := os.WriteFile(lifecycleDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(lifecycleDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: run DUOYUN_UPDATE_DOCS=1 go test .", lifecycleDoc)
	}
}

func drawAll() string {
	var b strings.Builder
	b.WriteString("# Lifecycles\n\nDrawn from the transition tables in the root package; states change nowhere else.\n")
	draw(&b, duoyun.OrderLifecycle())
	draw(&b, duoyun.TaskLifecycle())
	draw(&b, duoyun.IntentLifecycle())
	draw(&b, duoyun.ResourceLifecycle())
	draw(&b, duoyun.StatementLifecycle())
	draw(&b, duoyun.IncidentLifecycle())
	return b.String()
}

func draw[S ~string](b *strings.Builder, l duoyun.Lifecycle[S]) {
	fmt.Fprintf(b, "\n## %s %s\n\n```mermaid\nstateDiagram-v2\n", l.Noun.ZH, l.Noun.EN)
	for _, e := range l.Edges {
		fmt.Fprintf(b, "  %s: %s %s\n", e.From, e.Name, e.From)
	}
	for _, e := range l.Edges {
		for _, to := range e.To {
			fmt.Fprintf(b, "  %s --> %s\n", e.From, to)
		}
		if len(e.To) == 0 {
			fmt.Fprintf(b, "  %s --> [*]\n", e.From)
		}
	}
	b.WriteString("```\n")
}

func TestEveryStateOfALifecycleStandsInItsTable(t *testing.T) {
	t.Parallel()
	closed(t, duoyun.OrderLifecycle())
	closed(t, duoyun.TaskLifecycle())
	closed(t, duoyun.IntentLifecycle())
	closed(t, duoyun.ResourceLifecycle())
	closed(t, duoyun.StatementLifecycle())
	closed(t, duoyun.IncidentLifecycle())
}

// closed checks that no edge leads to a state without a row, that no state leads to itself, and that every state but
// the first can be reached.
func closed[S ~string](t *testing.T, l duoyun.Lifecycle[S]) {
	t.Helper()
	rows, reached := map[S]bool{}, map[S]bool{l.Edges[0].From: true}
	for _, e := range l.Edges {
		if rows[e.From] {
			t.Errorf("%s: %s has two rows", l.Noun.EN, e.From)
		}
		rows[e.From] = true
		for _, to := range e.To {
			reached[to] = true
			if to == e.From {
				t.Errorf("%s: %s leads to itself", l.Noun.EN, to)
			}
		}
	}
	for s := range reached {
		if !rows[s] {
			t.Errorf("%s: %s has no row", l.Noun.EN, s)
		}
	}
	for s := range rows {
		if !reached[s] {
			t.Errorf("%s: nothing leads to %s", l.Noun.EN, s)
		}
	}
}

func TestAForbiddenMoveIsAConflictThatNamesBothStates(t *testing.T) {
	t.Parallel()
	_, err := duoyun.OrderLifecycle().Move(duoyun.OrderConfirmed, duoyun.OrderPlacing)
	if duoyun.CodeOf(err) != duoyun.CodeConflict || !strings.Contains(err.Error(), "confirmed") || !strings.Contains(err.Error(), "placing") {
		t.Fatal(err)
	}
}
