package tencent

import (
	"strings"
	"unicode"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// The tags of a unit.
const (
	tagMark  = "duoyun-mark"
	tagName  = "duoyun-name"  // for people, where the name itself is the mark
	tagImage = "duoyun-image" // portable name of the image a server began as
	tagSize  = "duoyun-gib"   // what of a bucket is bought
)

// tag is one tag; the products name its halves in two ways.
type tag struct {
	Key, Value       string
	TagKey, TagValue string
}

// tags as CVM, CBS, VPC and EIP take them; pairs are names and values in turn.
func tags(pairs ...string) []params { return tagged("Key", "Value", pairs) }

// otherTags are those of CLB, PostgreSQL and Redis.
func otherTags(pairs ...string) []params { return tagged("TagKey", "TagValue", pairs) }

func tagged(key, value string, pairs []string) []params {
	var all []params
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, params{key: pairs[i], value: pairs[i+1]})
	}
	return all
}

// valueOf is the value of a tag; "" when there is none.
func valueOf(all []tag, key string) string {
	for _, t := range all {
		if t.Key == key {
			return t.Value
		}
		if t.TagKey == key {
			return t.TagValue
		}
	}
	return ""
}

// markOf reads a mark from the tag, or from the name where a mark stands in that.
func markOf(all []tag, name string) string {
	if m := table.MarkIn(valueOf(all, tagMark)); m != "" {
		return m
	}
	return table.MarkIn(name)
}

// noteOf reads what a part of a unit bears as its name.
func noteOf(name string) string {
	if strings.HasPrefix(name, "dy-") {
		return name
	}
	return ""
}

// title is the name for people, of as many characters as a product takes, and of what every product takes in a name or a
// tag: letters of any script, digits, dot, dash and underscore. CVM would read braces as a pattern.
func title(c driver.Change, characters int) string {
	name := []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) && r <= 0xFFFF || unicode.IsDigit(r) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '-'
	}, table.Title(c, 4*characters)))
	return string(name[:min(len(name), characters)])
}
