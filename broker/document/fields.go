package document

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// field is one key of a mapping: its two names, how its value is read into a T, and how it is written. One table of
// fields serves reading, writing, the nearest key and the test that the reference page names them all.
type field[T any] struct {
	key, zh string
	read    func(r *reader, at string, n *yaml.Node, into *T)
	write   func(from *T) *yaml.Node // nil: left out
}

// readFields reads a mapping by its table. A key without a value counts as not given, so that a filled-in form may
// leave lines blank; a null that is written out may have been meant as a value, and is a fault.
func readFields[T any](r *reader, at string, n *yaml.Node, table []field[T], into *T) {
	if !r.mapping(at, n) {
		return
	}
	seen := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f, ok := findField(r, at, key, table)
		if !ok {
			continue
		}
		if first, twice := seen[f.key]; twice {
			r.fault(join(at, f.key), key.Value, "键重复："+first+" 与 "+key.Value+" 是同一个键",
				"given twice: "+first+" and "+key.Value+" are one key")
			continue
		}
		seen[f.key] = key.Value
		switch place := join(at, f.key); {
		case value.Kind != yaml.ScalarNode || classify(value) != isNull || !r.sound(place, value):
			f.read(r, place, value, into)
		case value.Value != "":
			r.fault(place, value.Value, "不能为 null：写明值，或不写这个键", "may not be null: state the value, or leave the key out")
		}
	}
}

func findField[T any](r *reader, at string, key *yaml.Node, table []field[T]) (field[T], bool) {
	var none field[T]
	place := join(at, key.Value)
	switch {
	case !r.sound(place, key):
		return none, false
	case key.Kind != yaml.ScalarNode:
		r.fault(at, given(key), "键应为文字", "a key must be text")
		return none, false
	case key.Value == "<<" && classify(key) == isText && key.Style == 0:
		r.fault(place, "<<", "不接受合并键（<<），请写全", "merge keys (<<) are not accepted; write the values out")
		return none, false
	}
	for _, f := range table {
		if key.Value == f.key || key.Value == f.zh {
			return f, true
		}
	}
	r.unknown(at, key.Value, namesOf(table))
	return none, false
}

// unknown faults a key and spoils the place of the one it was meant to be, so that this is not called missing as well.
func (r *reader) unknown(at, key string, here []names) {
	zh, en := "未知的键", "unknown key"
	if len(r.faults) >= maxFaults { // nobody will be told: what was meant is not worth looking for
		r.fault(join(at, key), key, zh, en)
		return
	}
	if meant, ok := nearest(key, here); ok {
		zh, en = zh+"，最接近的是 "+meant.both("（", "）"), en+", the nearest is "+meant.both(" (", ")")
		r.spoiled[join(at, meant.key)] = true
	} else if place, ok := elsewhere(key); ok {
		zh, en = zh+"，它应写在 "+place+" 之下", en+", it belongs under "+place
	} else {
		zh, en = zh+"，此处可用："+list(here, "、"), en+", the keys here are: "+list(here, ", ")
	}
	r.fault(join(at, key), key, zh+fullWidth(key), en)
}

func join(at, key string) string {
	key = shorten(key, maxGiven/2)
	if at == "" {
		return key
	}
	return at + "." + key
}

// names are what one key or value may be called.
type names struct {
	key string
	zh  []string
}

func (n names) both(open, shut string) string {
	if len(n.zh) == 0 {
		return n.key
	}
	return n.key + open + n.zh[0] + shut
}

func list(all []names, separator string) string {
	var keys []string
	for _, n := range all {
		keys = append(keys, n.key)
	}
	return strings.Join(keys, separator)
}

func namesOf[T any](table []field[T]) []names {
	var all []names
	for _, f := range table {
		all = append(all, names{f.key, []string{f.zh}})
	}
	return all
}

func scalarField[T, V any](key, zh string, get func(*T) *V, read func(*reader, string, *yaml.Node) (V, bool), write func(V) *yaml.Node) field[T] {
	return field[T]{key, zh,
		func(r *reader, at string, n *yaml.Node, into *T) {
			if v, ok := read(r, at, n); ok {
				*get(into) = v
			}
		},
		func(from *T) *yaml.Node { return write(*get(from)) },
	}
}

func textField[T any, S ~string](key, zh string, get func(*T) *S) field[T] {
	return scalarField(key, zh, get, readText[S], writeText[S])
}

func readText[S ~string](r *reader, at string, n *yaml.Node) (S, bool) {
	s, ok := r.text(at, n)
	return S(s), ok
}

func wholeField[T any, N ~int | ~int64](key, zh string, get func(*T) *N) field[T] {
	read := func(r *reader, at string, n *yaml.Node) (N, bool) {
		v, ok := r.whole(at, n)
		return N(v), ok
	}
	return scalarField(key, zh, get, read, writeWhole[N])
}

func flagField[T any](key, zh string, get func(*T) *bool) field[T] {
	return scalarField(key, zh, get, (*reader).flag, writeFlag)
}

func yuanField[T any](key, zh string, get func(*T) *duoyun.Fen) field[T] {
	return scalarField(key, zh, get, (*reader).yuan, writeYuan)
}

func dateField[T any](key, zh string, get func(*T) *duoyun.Date) field[T] {
	return scalarField(key, zh, get, (*reader).date, writeDate)
}

// choiceField reads one of a fixed set of values, by its code or a Chinese name.
func choiceField[T any, S ~string](key, zh string, values []names, get func(*T) *S) field[T] {
	read := func(r *reader, at string, n *yaml.Node) (S, bool) {
		s, ok := r.text(at, n)
		if !ok {
			return "", false
		}
		v, known := canonical(s, values)
		if !known {
			r.notOneOf(at, s, values)
		}
		return S(v), known
	}
	return scalarField(key, zh, get, read, writeText[S])
}

func (r *reader) notOneOf(at, given string, values []names) {
	var zh []string
	for _, v := range values {
		zh = append(zh, v.both("（", "）"))
	}
	hint, also := "", ""
	if meant, ok := nearest(given, values); ok {
		hint, also = "，最接近的是 "+meant.key, "; the nearest is "+meant.key
	}
	r.fault(at, given, "应为："+strings.Join(zh, "、")+hint, "must be one of: "+list(values, ", ")+also)
}

// namedField reads a value from an open set: Chinese names are turned into codes, what is not known passes as it is.
func namedField[T any, S ~string](key, zh string, values []names, get func(*T) *S) field[T] {
	read := func(r *reader, at string, n *yaml.Node) (S, bool) {
		s, ok := r.text(at, n)
		v, _ := canonical(s, values)
		return S(v), ok
	}
	return scalarField(key, zh, get, read, writeText[S])
}

func canonical(s string, values []names) (string, bool) {
	for _, v := range values {
		if s == v.key || slices.Contains(v.zh, s) {
			return v.key, true
		}
	}
	return s, false
}

// textsField reads a list of strings, or one string for a list of one.
func textsField[T any, S ~string](key, zh string, values []names, get func(*T) *[]S) field[T] {
	return field[T]{key, zh,
		func(r *reader, at string, n *yaml.Node, into *T) {
			for i, e := range r.sequence(at, n, true) {
				if s, ok := r.text(index(at, i), e); ok {
					v, _ := canonical(s, values)
					*get(into) = append(*get(into), S(v))
				} else {
					r.spoiled[at] = true // later entries have moved up: their paths would be wrong
				}
			}
		},
		func(from *T) *yaml.Node { return writeList(*get(from), writeText[S]) },
	}
}

// nestedField reads a mapping within the mapping.
func nestedField[T, U any](key, zh string, table []field[U], get func(*T) *U) field[T] {
	return field[T]{key, zh,
		func(r *reader, at string, n *yaml.Node, into *T) { readFields(r, at, n, table, get(into)) },
		func(from *T) *yaml.Node { return writeFields(get(from), table, yaml.FlowStyle) },
	}
}

// manyField reads a list of mappings, each begun as a copy of first: the defaults of what is not given.
func manyField[T, U any](key, zh string, table []field[U], most int, first U, get func(*T) *[]U) field[T] {
	return field[T]{key, zh,
		func(r *reader, at string, n *yaml.Node, into *T) {
			entries := r.sequence(at, n, false)
			if len(entries) > most {
				r.tooMany(at, len(entries), most)
				return
			}
			for i, e := range entries {
				u := first
				readFields(r, index(at, i), e, table, &u)
				*get(into) = append(*get(into), u)
			}
		},
		func(from *T) *yaml.Node {
			return writeList(*get(from), func(u U) *yaml.Node { return writeFields(&u, table, yaml.FlowStyle) })
		},
	}
}
