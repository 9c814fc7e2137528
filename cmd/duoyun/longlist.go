package main

import (
	"bytes"
	"encoding/json"
	"io"

	"go.yaml.in/yaml/v4"
)

// longList writes one document with a list of items that come bit by bit, in the shape of a page.
type longList struct {
	w     io.Writer
	form  string // json or yaml
	begun bool
}

// whole reports whether the form is one in which the parts of a list have to make one document.
func (l *longList) whole() bool { return l.form == "json" || l.form == "yaml" }

func (l *longList) add(items []any) error {
	for _, item := range items {
		raw, err := l.item(item)
		if err != nil {
			return err
		}
		if _, err := l.w.Write(raw); err != nil {
			return err
		}
		l.begun = true
	}
	return nil
}

// item is one entry with what stands before it.
func (l *longList) item(item any) ([]byte, error) {
	if l.form == "yaml" {
		raw, err := yaml.Marshal([]any{item})
		if !l.begun {
			raw = append([]byte("items:\n"), raw...)
		}
		return raw, err
	}
	var b bytes.Buffer
	if l.begun {
		b.WriteString(",\n    ")
	} else {
		b.WriteString("{\n  \"items\": [\n    ")
	}
	e := json.NewEncoder(&b)
	e.SetIndent("    ", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(item)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

func (l *longList) end() error {
	var last string
	switch {
	case l.form == "json" && l.begun:
		last = "\n  ]\n}\n"
	case l.form == "json":
		last = "{\n  \"items\": []\n}\n"
	case !l.begun:
		last = "items: []\n"
	}
	_, err := io.WriteString(l.w, last)
	return err
}
