// Package document reads and writes order documents 申请单: the YAML or JSON a department, or the integrator working
// for it, hands in. Reading is strict: a document is taken whole or refused whole, with every fault named at once, and
// nothing in it means something else than it says (YAML 1.2, no anchors, tags, merge keys or repeated keys).
package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// Bounds of the text of a document.
const (
	MaxBytes  = 256 << 10
	MaxDepth  = 20  // mappings and lists within one another
	maxFaults = 200 // beyond it a document is not mended fault by fault
	maxGiven  = 80  // characters of what was given that a fault repeats
)

// Parse reads a document in YAML or JSON, with English keys or their Chinese aliases, fills the defaults and checks
// it. The error carries CodeInvalid and every fault: path, rule in both languages, and what was given.
func Parse(raw []byte) (duoyun.OrderRequest, error) { return ParseOn(raw, duoyun.Date{}) }

// ParseOn is Parse for a caller who knows the day: of a document that is refused anyway, a start in the past is named
// too. It is no fault by itself, since a document that was taken may come once more, later, under the same key.
func ParseOn(raw []byte, today duoyun.Date) (duoyun.OrderRequest, error) {
	root, fault := load(raw)
	if fault != nil {
		return duoyun.OrderRequest{}, tidy(duoyun.Faults{*fault}).Err()
	}
	r := &reader{spoiled: map[string]bool{}, long: map[string]string{}}
	req := r.order(root)
	fill(&req)
	faults := r.faults
	broken := req.Check()
	if len(broken)+len(faults)+len(r.long) > 0 {
		broken = req.CheckOn(today)
	}
	for _, f := range broken {
		if written, long := r.long[f.Path]; long {
			f.Given = written
			delete(r.long, f.Path)
		}
		if !r.explained(f.Path) && !r.doubtful(f.Path) {
			faults = append(faults, f)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(r.long)) { // no bound of its own
		faults.Add(at, r.long[at], fmt.Sprintf("整数最多 %d 位", maxDigits), fmt.Sprintf("a whole number has at most %d digits", maxDigits))
	}
	if err := tidy(faults).Err(); err != nil {
		return duoyun.OrderRequest{}, err
	}
	return req, nil
}

// order reads the top level. The lines' specs wait until the whole line has been seen, since their shape hangs on kind.
func (r *reader) order(root *yaml.Node) duoyun.OrderRequest {
	req := order{OrderRequest: duoyun.OrderRequest{}}
	readFields(r, "", root, orderFields(), &req)
	for i, l := range req.lines {
		req.Lines = append(req.Lines, r.finish(fmt.Sprintf("lines[%d]", i), l))
	}
	return req.OrderRequest
}

// tidy shortens what faults repeat, drops what would garble a terminal, and ends a list nobody would read.
func tidy(faults duoyun.Faults) duoyun.Faults {
	more := len(faults) - maxFaults
	if more > 0 {
		faults = faults[:maxFaults:maxFaults]
		faults.Add("document", fmt.Sprint(more), fmt.Sprintf("另有 %d 处，改正以上各处后再看", more),
			fmt.Sprintf("%d more; mend these first", more))
	}
	for i := range faults {
		faults[i].Given = shorten(faults[i].Given, maxGiven)
		faults[i].Path = shorten(faults[i].Path, 2*maxGiven)
	}
	return faults
}

func shorten(s string, most int) string {
	n := 0
	var b strings.Builder
	for _, c := range s {
		if n == most {
			return b.String() + "…"
		}
		if !unicode.IsGraphic(c) {
			c = '\uFFFD'
		}
		b.WriteRune(c)
		n++
	}
	return b.String()
}
