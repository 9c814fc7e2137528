package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/duoyun/duoyun"
)

var errDepth = errors.New("nested too deeply")

// load turns text into one tree, or tells why it cannot. JSON goes through the JSON reader: tabs and surrogate pairs
// are legal there and not in YAML.
func load(raw []byte) (*yaml.Node, *duoyun.Fault) {
	if f := guard(raw); f != nil {
		return nil, f
	}
	var root *yaml.Node
	var f *duoyun.Fault
	if json.Valid(raw) {
		root, f = loadJSON(raw)
	} else {
		root, f = loadYAML(raw)
	}
	if f == nil && root.Kind != yaml.MappingNode {
		f = fault("document", root.Value, "应为“键: 值”的清单，如 form: open"+fullWidth(root.Value),
			"must be a mapping of keys to values, such as form: open")
	}
	return root, f
}

func fault(path, given, zh, en string) *duoyun.Fault {
	return &duoyun.Fault{Path: path, Given: given, Rule: duoyun.Text{ZH: zh, EN: en}}
}

// guard refuses bytes that are not plain text before any parser sees them.
func guard(raw []byte) *duoyun.Fault {
	if len(raw) > MaxBytes {
		return fault("document", fmt.Sprintf("%d bytes", len(raw)), "不超过 256 KiB", "must be at most 256 KiB")
	}
	if bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return fault("document", fmt.Sprintf("% x", raw[:2]), "须存为不带 BOM 的 UTF-8", "must be saved as UTF-8 without a byte order mark")
	}
	for i := 0; i < len(raw); {
		c, n := utf8.DecodeRune(raw[i:])
		if c == utf8.RuneError && n == 1 || c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f || c == 0xfeff {
			line := fmt.Sprintf("line %d", 1+bytes.Count(raw[:i], []byte("\n")))
			return fault(line, fmt.Sprintf("% x", raw[i:i+n]), "应为 UTF-8 文本，不含控制字符", "must be UTF-8 text without control characters")
		}
		i += n
	}
	return nil
}

func loadYAML(raw []byte) (*yaml.Node, *duoyun.Fault) {
	deep := loaderlimits.DepthFunc(func(depth int, _ *loaderlimits.DepthContext) error {
		if depth > MaxDepth {
			return errDepth
		}
		return nil
	})
	loader, err := yaml.NewLoader(bytes.NewReader(raw), yaml.WithPlugin(loaderlimits.New(deep)))
	if err != nil {
		return nil, broken(err)
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1:
		return nil, fault("document", "", "文件是空的", "the document is empty")
	case err != nil:
		return nil, broken(err)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, fault("document", "---", "一个文件只能有一份申请单", "one file holds one document")
	case !errors.Is(err, io.EOF):
		return nil, broken(err)
	}
	if deeper(doc.Content[0], MaxDepth) { // the parser counts blocks and flows apart
		return nil, tooDeep()
	}
	return doc.Content[0], nil
}

func deeper(n *yaml.Node, levels int) bool {
	if levels < 0 {
		return true
	}
	for _, c := range n.Content {
		if len(c.Content) > 0 && deeper(c, levels-1) {
			return true
		}
	}
	return false
}

// broken says where the text stops being YAML.
func broken(err error) *duoyun.Fault {
	if errors.Is(err, errDepth) || strings.Contains(err.Error(), errDepth.Error()) {
		return tooDeep()
	}
	where, said := "document", err.Error()
	var e *yaml.LoadError
	if errors.As(err, &e) {
		where, said = fmt.Sprintf("line %d", max(1, e.Mark.Line)), e.Message
	}
	return fault(where, "", "不是合法的 YAML，请检查缩进、引号和括号："+said, "not valid YAML, look at indentation, quotes and brackets: "+said)
}

func tooDeep() *duoyun.Fault {
	return fault("document", "", fmt.Sprintf("嵌套不超过 %d 层", MaxDepth), fmt.Sprintf("must not be nested more than %d deep", MaxDepth))
}

// loadJSON builds the tree from tokens, so that repeated keys are still seen. The text is known to be valid.
func loadJSON(raw []byte) (*yaml.Node, *duoyun.Fault) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	n, err := jsonValue(d, 1)
	if err != nil {
		return nil, broken(err)
	}
	return n, nil
}

func jsonValue(d *json.Decoder, depth int) (*yaml.Node, error) {
	if depth > MaxDepth+2 { // scalars in the deepest list are one level further
		return nil, errDepth
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case json.Delim:
		kind := yaml.SequenceNode
		if v == '{' {
			kind = yaml.MappingNode
		}
		return jsonNested(d, kind, depth)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: v}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: jsonPlain(t)}, nil
}

func jsonNested(d *json.Decoder, kind yaml.Kind, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: kind}
	for d.More() {
		child, err := jsonValue(d, depth+1) // a key is a string token, so keys and values read alike
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, child)
	}
	_, err := d.Token() // the closing bracket
	return n, err
}

func jsonPlain(t json.Token) string {
	if t == nil {
		return "null"
	}
	return fmt.Sprint(t)
}

// fullWidth hints at the commonest slip on a Chinese keyboard.
func fullWidth(s string) string {
	if strings.Contains(s, "：") {
		return "；冒号须用半角“:”，后面留一个空格"
	}
	return ""
}
