package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// teller tells a person what goes on, as it goes on, and that it still goes on when it takes longer than a second.
type teller struct {
	app *app
	mu  sync.Mutex
	w   io.Writer
}

func (t *teller) say(zh, en string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.w, t.app.say(zh, en)+"\n", args...)
}

func (t *teller) title(zh, en string) { t.say("\n■ "+zh, "\n■ "+en) }

func (t *teller) table(items []any, columns []column) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.app.table(t.w, items, columns)
}

// during runs f and prints a line for each second it takes.
func (t *teller) during(zh, en string, f func() error) error {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick, start := time.NewTicker(time.Second), time.Now()
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				t.say("  … %s，已 %d 秒", "  … %s, %d s", t.app.say(zh, en), int(time.Since(start).Seconds()))
			}
		}
	})
	err := f()
	close(done)
	wg.Wait()
	return err
}
