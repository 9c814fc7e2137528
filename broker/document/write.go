package document

import (
	"bytes"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// Marshal writes a document as canonical YAML: English keys and codes, in the order of the reference page, one line of
// text per order line. Parse reads it back to the same request.
func Marshal(req duoyun.OrderRequest) []byte {
	o := order{OrderRequest: req}
	for _, l := range req.Lines {
		o.lines = append(o.lines, unfinished(l))
	}
	doc := &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{writeFields(&o, orderFields(), 0)}}
	var out bytes.Buffer
	dumper, err := yaml.NewDumper(&out, yaml.WithLineWidth(-1), yaml.WithQuotePreference(yaml.QuoteDouble))
	if err == nil {
		err = dumper.Dump(doc)
	}
	if err == nil {
		err = dumper.Close()
	}
	if err != nil {
		panic(err) // a tree of plain nodes into memory cannot fail
	}
	return out.Bytes()
}

// unfinished undoes finish: the spec becomes a tree again, a service's fields go back on the line.
func unfinished(l duoyun.Line) line {
	w := line{Line: l}
	switch s := l.Spec.(type) {
	case duoyun.ServiceSpec:
		w.item, w.unit = s.Name, s.Unit
	case duoyun.ServerSpec:
		w.spec = writeFields(&s, serverFields(), yaml.FlowStyle)
	case duoyun.DiskSpec:
		w.spec = writeFields(&s, diskFields(), yaml.FlowStyle)
	case duoyun.AddressSpec:
		w.spec = writeSpec(&s, addressFields())
	case duoyun.LoadBalancerSpec:
		w.spec = writeFields(&s, balancerFields(), yaml.FlowStyle)
	case duoyun.PublicIPSpec:
		w.spec = writeFields(&s, publicFields(), yaml.FlowStyle)
	case duoyun.BucketSpec:
		w.spec = writeFields(&s, bucketFields(), yaml.FlowStyle)
	case duoyun.DatabaseSpec:
		w.spec = writeFields(&s, databaseFields(), yaml.FlowStyle)
	case duoyun.CacheSpec:
		w.spec = writeFields(&s, cacheFields(), yaml.FlowStyle)
	}
	return w
}

// writeSpec is writeFields for a spec that may be empty and yet must stand: an address's count defaults to 1.
func writeSpec[S any](s *S, table []field[S]) *yaml.Node {
	if n := writeFields(s, table, yaml.FlowStyle); n != nil {
		return n
	}
	return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
}

// writeFields writes a mapping; nil when every field is left out.
func writeFields[T any](from *T, table []field[T], style yaml.Style) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: style}
	for _, f := range table {
		if value := f.write(from); value != nil {
			n.Content = append(n.Content, writeText(f.key), value)
		}
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n
}

func writeList[E any](from []E, write func(E) *yaml.Node) *yaml.Node {
	if len(from) == 0 {
		return nil
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, e := range from {
		if v := write(e); v != nil {
			n.Content = append(n.Content, v)
		}
	}
	return n
}

// writeText quotes what would otherwise be read as a number, a boolean or nothing.
func writeText[S ~string](s S) *yaml.Node {
	if s == "" {
		return nil
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: string(s)}
	if classify(n) != isText {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func writeWhole[N ~int | ~int64](v N) *yaml.Node {
	if v == 0 {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(int64(v), 10)}
}

func writeFlag(v bool) *yaml.Node {
	if !v {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
}

func writeDate(d duoyun.Date) *yaml.Node {
	if d.IsZero() {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: d.String()} // without a tag, so that it stands unquoted
}

func writeYuan(v duoyun.Fen) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: v.String()}
}
