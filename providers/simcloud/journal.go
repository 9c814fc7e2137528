package simcloud

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// line is one line of a snapshot or journal; both have one format, so that a journal is a snapshot that has grown. A
// later line about an object replaces an earlier one.
type line struct {
	Kind  Kind            `json:"kind,omitempty"`
	Seq   uint64          `json:"seq,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
	Gone  string          `json:"gone,omitempty"` // id of what was removed
	Owner *Owner          `json:"owner,omitempty"`
	Quota map[Item]int64  `json:"quota,omitempty"`
}

// journal writes lines; a nil journal writes nothing. Each line is one Write, so that what a killed process had answered
// is in the file.
type journal struct {
	w   io.Writer
	err error // the first
}

func (j *journal) write(l line) {
	if j == nil || j.err != nil {
		return
	}
	raw, err := json.Marshal(l)
	if err == nil {
		_, err = j.w.Write(append(raw, '\n'))
	}
	j.err = err
}

func (j *journal) put(kind Kind, seq uint64, obj any) {
	if j == nil {
		return
	}
	raw, err := json.Marshal(obj)
	if err != nil {
		j.err = err
		return
	}
	j.write(line{Kind: kind, Seq: seq, Value: raw})
}

func (j *journal) drop(kind Kind, id string) { j.write(line{Kind: kind, Gone: id}) }

func (j *journal) quota(o Owner, q map[Item]int64) { j.write(line{Owner: &o, Quota: q}) }

// Save writes everything there is: JSON, a line an object. Capacity, latency, faults and lags are the process's own and
// not part of it.
func (c *Cloud) Save(w io.Writer) error {
	b := bufio.NewWriter(w)
	j := &journal{w: b}
	c.locked(func() { c.save(j) })
	return errors.Join(j.err, b.Flush())
}

func (c *Cloud) save(j *journal) {
	for _, k := range c.kinds {
		c.byKind[k].dump(j)
	}
	for o, q := range c.quotas {
		j.quota(o, q)
	}
}

func (t *table[T]) dump(j *journal) {
	for _, e := range t.lists[allKey] {
		if e.gone.IsZero() {
			j.put(t.kind, e.seq, e.obj)
		}
	}
}

// Load replaces everything by what Save or a journal wrote; an error, or nothing written, leaves the cloud as it is. A last line
// without its end was cut by a kill and is passed over: its change had not been answered.
func (c *Cloud) Load(r io.Reader) error {
	lines, err := readLines(r)
	if err != nil || len(lines) == 0 {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.state
	c.clear()
	for i, l := range lines {
		if err := c.apply(l); err != nil {
			c.state = before
			return fmt.Errorf("simcloud: line %d: %w", i+1, err)
		}
	}
	return nil
}

func readLines(r io.Reader) ([]line, error) {
	var lines []line
	b := bufio.NewReaderSize(r, 1<<16)
	for {
		raw, err := b.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		var l line
		if err := json.Unmarshal(bytes.TrimSpace(raw), &l); err != nil {
			return nil, fmt.Errorf("simcloud: line %d: %w", len(lines)+1, err)
		}
		lines = append(lines, l)
	}
}

func (c *Cloud) apply(l line) error {
	if l.Owner != nil {
		c.quotas[*l.Owner] = l.Quota
		return nil
	}
	k := c.byKind[l.Kind]
	if k == nil {
		return fmt.Errorf("unknown kind %q", l.Kind)
	}
	return k.restore(c, l)
}

// restore takes a line's object into the table, with its place in the order, its use of quotas and its due time.
func (t *table[T]) restore(c *Cloud, l line) error {
	if l.Gone != "" {
		if e := t.ids[l.Gone]; e != nil {
			c.count(t.as(e.obj), -1)
			t.remove(e, c.time())
		}
		return nil
	}
	obj := new(T)
	if err := json.Unmarshal(l.Value, obj); err != nil {
		return err
	}
	n := t.as(obj)
	if e := t.ids[n.Self().ID]; e != nil {
		c.count(t.as(e.obj), -1)
		t.replace(e, obj)
	} else {
		t.insert(obj, l.Seq)
	}
	c.count(n, 1)
	c.seq = max(c.seq, l.Seq)
	c.await(t.kind, n.Self())
	return nil
}

// File is a cloud whose every change is in a file before it is answered.
type File struct {
	*Cloud
	f *os.File
}

// Open makes a cloud that goes on with what is in the file at path, which is made where it is missing, and writes every
// change to it. The file is written anew at the start, so that it does not grow for ever.
func Open(path string, o Options) (*File, error) {
	c := New(o)
	if f, err := os.Open(path); err == nil {
		err = c.Load(f)
		f.Close()
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.Save(f), os.Rename(path+".new", path)); err != nil {
		f.Close()
		return nil, err
	}
	c.locked(func() { c.journal = &journal{w: f} })
	return &File{c, f}, nil
}

// Close ends the journal; it returns the first error of writing it.
func (f *File) Close() error {
	var err error
	f.locked(func() {
		err = f.journal.err
		f.journal = nil
	})
	return errors.Join(err, f.f.Close())
}
