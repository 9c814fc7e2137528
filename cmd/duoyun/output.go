package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// column is one column of a table: a dotted path into the answer and, after a colon, the vocabulary its codes are said in:
// state:order.
type column struct {
	zh, en, path string
}

// print writes an answer in the form the user asked for; items are the rows of a table.
func (a *app) print(w io.Writer, answer any, items []any, columns []column) error {
	switch a.output {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(answer)
	case "yaml":
		raw, err := yaml.Marshal(answer)
		if err == nil {
			_, err = w.Write(raw)
		}
		return err
	case "table":
		return a.table(w, items, columns)
	}
	return &exitError{exitInvalid, duoyun.Fail(duoyun.CodeInvalid, "output", "输出格式应为 table、json 或 yaml：%s", "the output is table, json or yaml, not %s", a.output)}
}

func (a *app) table(w io.Writer, items []any, columns []column) error {
	rows := make([][]string, 1, len(items)+1)
	for _, c := range columns {
		rows[0] = append(rows[0], a.say(c.zh, c.en))
	}
	for _, item := range items {
		var cells []string
		for _, c := range columns {
			path, vocabulary, _ := strings.Cut(c.path, ":")
			cells = append(cells, a.cell(vocabulary, dig(item, path)))
		}
		rows = append(rows, cells)
	}
	return writeTable(w, rows)
}

// writeTable aligns columns by display width: a Chinese character takes two places.
func writeTable(w io.Writer, rows [][]string) error {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displayWidth(c))
		}
	}
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-displayWidth(c)+2))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func displayWidth(s string) (n int) {
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Han, r), r >= 0x3000 && r <= 0x303f, r >= 0xff00 && r <= 0xffef:
			n += 2
		default:
			n++
		}
	}
	return n
}

// cell writes a value for people: codes in the words of the vocabulary, yes and no, times in the civil zone.
func (a *app) cell(vocabulary string, v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return a.say("是", "yes")
		}
		return a.say("否", "no")
	case map[string]any:
		return a.pairs(vocabulary, v)
	}
	s := cell(v)
	if vocabulary != "" {
		return words(vocabulary, s).In(a.language())
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(duoyun.Civil).Format("2006-01-02 15:04")
	}
	return s
}

// pairs writes what is stated of a mapping: a change of a spec leaves out what stays.
func (a *app) pairs(vocabulary string, m map[string]any) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		value := cell(m[k])
		if k == "class" && !a.english() {
			value = className(value)
		}
		if value != "" && value != "0" {
			parts = append(parts, words(vocabulary, k).In(a.language())+"="+value)
		}
	}
	return strings.Join(parts, " ")
}

// dig follows a dotted path into decoded JSON; what is not there is nil.
func dig(v any, path string) any {
	for _, key := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// text is dig for strings.
func text(v any, path string) string { return cell(dig(v, path)) }

// cell writes a value of an answer for a table; control characters of foreign text never reach the terminal.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, v)
	case float64:
		return fmt.Sprintf("%.0f", v)
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"="+cell(v[k]))
		}
		return strings.Join(parts, " ")
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, cell(x))
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}
