package document_test

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// spent is the processor time of this thread.
func spent() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Documents made to cost more than they weigh are refused within moments.
func TestHostileDocumentsCostNoMoreThanTheyWeigh(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread() // its time is counted, not that of others on a busy machine
	defer runtime.UnlockOSThread()
	size := document.MaxBytes - 1000
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var keys, anchors, paths strings.Builder
	for i := 0; keys.Len() < size; i++ {
		fmt.Fprintf(&keys, "k%d: x\n", i)
		fmt.Fprintf(&paths, "funding%d: {limit: 1}\n", i)
	}
	for i := 0; anchors.Len() < size; i++ {
		fmt.Fprintf(&anchors, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", max(0, i-1)), 10), ","))
	}
	line := "  - {kind: server, nam: x}\n"
	for name, text := range map[string]string{
		"unknown keys":      keys.String(),
		"unknown mappings":  paths.String(),
		"anchors":           anchors.String(),
		"one key again":     repeat("form: open\n"),
		"flow nesting":      "form: " + repeat("["),
		"flow mappings":     "form: " + repeat("{a: "),
		"block nesting":     repeat("- "),
		"closed nesting":    "form: " + strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
		"question marks":    repeat("? "),
		"JSON nesting":      repeat(`{"form":`),
		"JSON lists":        repeat(`[`),
		"a huge integer":    "form: open\nlines: [{quantity: " + repeat("9") + "}]",
		"a huge key":        repeat("k") + ": x",
		"many sites":        "form: open\nrequires: {sites: [" + repeat("!,") + "x]}",
		"many lines":        "form: open\nlines:\n" + repeat(line),
		"bad lines":         "form: open\nlines:\n" + strings.Repeat("  - {kind: server, nam: x, quantty: 1, zon: y, atach: z, spec: {vcp: 1, ra: 2}}\n", duoyun.MaxLines),
		"many references":   "form: open\nlines:\n" + strings.Repeat("  - {kind: load_balancer, name: a, members: ["+strings.Repeat("b,", 500)+"c]}\n", duoyun.MaxLines),
		"many documents":    repeat("--- a\n"),
		"a long text":       "form: open\npurpose: >\n" + repeat("  字\n"),
		"escapes":           `{"form":"` + repeat(`\u0000`) + `"}`,
		"lone surrogates":   `{"form":"` + repeat(`\ud800`) + `"}`,
		"tags":              repeat("!!binary "),
		"comments":          repeat("#\n"),
		"carriage returns":  repeat("\r"),
		"directives":        repeat("%YAML 1.1\n"),
		"merge keys":        repeat("<<: {a: b}\n"),
		"full-width colons": repeat("form：open\n"),
	} {
		begun := spent()
		faults := faultsOf(t, []byte(text))
		if took := spent() - begun; took > slowest {
			t.Errorf("%s: refused after %v", name, took)
		}
		if told := fmt.Sprint(faults); len(faults) > 250 || len(told) > 200_000 {
			t.Errorf("%s: %d faults in %d bytes", name, len(faults), len(told))
		}
	}
}
