package procurement

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// line asks for one visible line of least to most characters.
func line(f *duoyun.Faults, path, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if n < least || n > most || strings.TrimSpace(s) != s || strings.ContainsFunc(s, hidden) || !utf8.ValidString(s) {
		f.Add(path, clip(s), fmt.Sprintf("应为 %d 至 %d 个字的一行可见文字，首尾无空格", least, most),
			fmt.Sprintf("must be one line of %d to %d visible characters without outer spaces", least, most))
	}
}

// code asks for a code that people type: lower-case letters, digits, dots, dashes.
func code(f *duoyun.Faults, path, s string) {
	if s == "" || len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		f.Add(path, clip(s), "应为小写字母、数字、点、横线，不超过 60 个", "must be lower-case letters, digits, dots and dashes, at most 60")
	}
}

func oneOf[S ~string](f *duoyun.Faults, path string, given S, allowed ...S) {
	if slices.Contains(allowed, given) {
		return
	}
	var names []string
	for _, a := range allowed {
		if a != "" {
			names = append(names, string(a))
		}
	}
	f.Add(path, clip(string(given)), "应为："+strings.Join(names, "、"), "must be one of: "+strings.Join(names, ", "))
}

// each asks for values of a list that are known and stand there once.
func each[S ~string](f *duoyun.Faults, path string, given []S, allowed ...S) {
	if len(given) > 64 {
		f.Add(path, fmt.Sprint(len(given)), "最多 64 项", "at most 64 entries")
		return
	}
	for i, s := range given {
		at := fmt.Sprintf("%s[%d]", path, i)
		if len(allowed) > 0 {
			oneOf(f, at, s, allowed...)
		} else {
			code(f, at, string(s))
		}
		if slices.Contains(given[:i], s) {
			f.Add(at, clip(string(s)), "重复", "stands there twice")
		}
	}
}

func between(f *duoyun.Faults, path string, n, low, high int64) {
	if n < low || n > high {
		f.Add(path, fmt.Sprint(n), fmt.Sprintf("应在 %d 与 %d 之间", low, high), fmt.Sprintf("must be between %d and %d", low, high))
	}
}

// percent asks for a share of a hundred.
func percent(f *duoyun.Faults, path string, p duoyun.Price) {
	if p.Cmp(duoyun.MustPrice("100")) > 0 {
		f.Add(path, p.String(), "百分比不能超过 100", "a percentage is at most 100")
	}
}

// year asks for a day within living memory and plans.
func year(f *duoyun.Faults, path string, d duoyun.Date) {
	if !d.IsZero() && (d.Year < 2000 || d.Year > 2100) {
		f.Add(path, fmt.Sprint(d.Year), "年份应在 2000 与 2100 之间", "the year must be between 2000 and 2100")
	}
}

// clip shortens what was given to what a reader needs to find it.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return strings.ToValidUTF8(s, "�")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
