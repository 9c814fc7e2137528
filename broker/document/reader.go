package document

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// reader walks the tree and collects faults. A place that could not be read is spoiled: what Check would say about the
// value left out there is only noise.
type reader struct {
	faults  duoyun.Faults
	spoiled map[string]bool
	long    map[string]string // whole numbers of more digits than are kept, as they were written
}

func (r *reader) fault(at, given, zh, en string) {
	r.faults.Add(at, given, zh, en)
	r.spoiled[at] = true
}

// explained reports whether a fault at path, or around it, has been told already.
func (r *reader) explained(path string) bool {
	for {
		if r.spoiled[path] {
			return true
		}
		cut := max(strings.LastIndexByte(path, '.'), strings.LastIndexByte(path, '['))
		if cut < 0 {
			return false
		}
		path = path[:cut]
	}
}

// doubtful reports whether what Check says at path follows from something else that could not be read: a reference from
// an unreadable name, a count from an unreadable quantity, a zone from the line it would have come from.
func (r *reader) doubtful(path string) bool {
	if path == "funding" {
		return r.spoiledBelow("funding[", "")
	}
	if !strings.HasPrefix(path, "lines[") {
		return false
	}
	own, key, _ := strings.Cut(path, ".")
	switch {
	case key == "attach" || strings.HasPrefix(key, "members"):
		return r.spoiledBelow("lines[", ".name")
	case key == "quantity":
		return r.spoiledBelow("lines[", ".quantity")
	case key == "zone":
		return r.spoiledBelow("lines[", ".zone") || r.spoiledBelow(own+".attach", "") || r.spoiledBelow(own+".members", "")
	}
	return false
}

func (r *reader) spoiledBelow(prefix, suffix string) bool {
	for at := range r.spoiled {
		if strings.HasPrefix(at, prefix) && strings.HasSuffix(at, suffix) {
			return true
		}
	}
	return false
}

// sound refuses what makes one text mean something elsewhere: anchors, aliases and tags.
func (r *reader) sound(at string, n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.fault(at, "*"+n.Value, "不接受引用（*），请写全", "aliases (*) are not accepted; write the value out")
	case n.Anchor != "":
		r.fault(at, "&"+n.Anchor, "不接受锚点（&）", "anchors (&) are not accepted")
	case n.Style&yaml.TaggedStyle != 0:
		r.fault(at, n.Tag, "不接受类型标签（!）", "tags (!) are not accepted")
	default:
		return true
	}
	return false
}

// given shows a value as it was written, a mapping or list by its kind.
func given(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "{…}"
	case yaml.SequenceNode:
		return "[…]"
	}
	return n.Value
}

func (r *reader) mapping(at string, n *yaml.Node) bool {
	if !r.sound(at, n) {
		return false
	}
	if n.Kind != yaml.MappingNode {
		r.fault(at, given(n), "应为“键: 值”的清单"+fullWidth(n.Value), "must be a mapping of keys to values")
		return false
	}
	return true
}

// sequence returns the entries of a list; a single value stands for a list of one where single is set.
func (r *reader) sequence(at string, n *yaml.Node, single bool) []*yaml.Node {
	switch {
	case !r.sound(at, n):
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case single && n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	default:
		r.fault(at, given(n), "应为清单，如 [甲, 乙]", "must be a list, such as [a, b]")
	}
	return nil
}

// scalar is what a plain value is under the core schema of YAML 1.2, section 10.3.2: `no` is text, 0777 a number.
type scalar int

const (
	isText scalar = iota
	isNull
	isBool
	isWhole
	isNumber
)

func classify(n *yaml.Node) scalar {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return isText
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return isNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return isBool
	}
	return numeral(n.Value)
}

func numeral(s string) scalar {
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 {
		return isText
	}
	lower := strings.ToLower(body)
	switch {
	case lower == ".inf" || lower == ".nan":
		return isNumber
	case strings.HasPrefix(body, "0x") && len(body) > 2 && strings.Trim(lower[2:], "0123456789abcdef") == "",
		strings.HasPrefix(body, "0o") && len(body) > 2 && strings.Trim(body[2:], "01234567") == "":
		return isNumber
	}
	mantissa, exponent, scientific := strings.Cut(lower, "e")
	if scientific && (strings.TrimLeft(exponent, "+-") == "" || !digits(strings.TrimPrefix(strings.TrimPrefix(exponent, "+"), "-"))) {
		return isText
	}
	whole, frac, point := strings.Cut(mantissa, ".")
	if whole+frac == "" || !digits(whole+frac) {
		return isText
	}
	if point || scientific {
		return isNumber
	}
	return isWhole
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// text reads a string; a number or boolean where text belongs must be quoted.
func (r *reader) text(at string, n *yaml.Node) (string, bool) {
	switch {
	case !r.sound(at, n):
		return "", false
	case n.Kind != yaml.ScalarNode:
		r.fault(at, given(n), "应为文字", "must be text")
		return "", false
	case classify(n) != isText:
		r.fault(at, n.Value, fmt.Sprintf("应为文字，请加引号：%q", n.Value), fmt.Sprintf("must be text, put it in quotes: %q", n.Value))
		return "", false
	}
	return n.Value, true
}

// maxDigits is how long a whole number may be: more is a slip.
const maxDigits = 15

// whole reads an integer in plain decimal notation. One that is too long stands as the largest there is, so that Check
// tells the bounds of its field.
func (r *reader) whole(at string, n *yaml.Node) (int64, bool) {
	if !r.sound(at, n) {
		return 0, false
	}
	s := n.Value
	body := strings.TrimPrefix(s, "-")
	plain := n.Kind == yaml.ScalarNode && classify(n) == isWhole && digits(body)
	if !plain || len(body) > 1 && body[0] == '0' || s == "-0" {
		r.fault(at, given(n), "应为整数，不加引号、小数点、前导零或单位，如 4", "must be a whole number without quotes, decimals, leading zeros or units, such as 4")
		return 0, false
	}
	if len(body) > maxDigits {
		r.long[at] = s
		body, s = strings.Repeat("9", maxDigits), s[:len(s)-len(body)]+strings.Repeat("9", maxDigits)
	}
	var v int64
	for _, c := range body {
		v = v*10 + int64(c-'0')
	}
	if body != s {
		v = -v
	}
	return v, true
}

func (r *reader) flag(at string, n *yaml.Node) (v, ok bool) {
	if !r.sound(at, n) {
		return false, false
	}
	if n.Kind == yaml.ScalarNode && classify(n) == isBool {
		return strings.EqualFold(n.Value, "true"), true
	}
	if n.Kind == yaml.ScalarNode && classify(n) == isText && (n.Value == "是" || n.Value == "否") {
		return n.Value == "是", true
	}
	r.fault(at, given(n), "应为 true（是）或 false（否），不加引号", "must be true or false, without quotes")
	return false, false
}

func (r *reader) yuan(at string, n *yaml.Node) (duoyun.Fen, bool) {
	if n.Kind == yaml.ScalarNode && (classify(n) == isWhole || classify(n) == isNumber) {
		r.fault(at, n.Value, fmt.Sprintf("金额须加引号，单位为元：%q", n.Value), fmt.Sprintf("money is a string in yuan, put it in quotes: %q", n.Value))
		return 0, false
	}
	s, ok := r.text(at, n)
	if !ok {
		return 0, false
	}
	v, err := duoyun.ParseFen(s)
	if err != nil {
		r.fault(at, s, "金额应为元，最多两位小数，不写千分位和单位，如 \"7200.00\"",
			"money is yuan with at most two decimals, without separators or units, such as \"7200.00\"")
	}
	return v, err == nil
}

func (r *reader) date(at string, n *yaml.Node) (duoyun.Date, bool) {
	if n.Kind == yaml.ScalarNode && classify(n) == isText && r.sound(at, n) {
		if d, err := duoyun.ParseDate(n.Value); err == nil {
			return d, true
		}
	}
	if !r.explained(at) {
		r.fault(at, given(n), "日期应为 YYYY-MM-DD，如 2026-12-01", "a date is YYYY-MM-DD, such as 2026-12-01")
	}
	return duoyun.Date{}, false
}
