package drivertest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// password is the login of what has one, of the form that the house makes.
const password = "7Tkz3hcN9sQ2vRpd5JxE"

// ear is the cloud under test; it keeps the text of every error and raw answer, to be searched for secrets.
type ear struct {
	driver.Cloud
	mu    sync.Mutex
	texts []string
}

// Unwrap implements driver.Unwrapper.
func (e *ear) Unwrap() driver.Cloud { return e.Cloud }

// Kind implements driver.Cloud.
func (e *ear) Kind(k duoyun.Kind) (driver.Resource, bool) {
	r, ok := e.Cloud.Kind(k)
	return heard{r, e}, ok
}

// hear keeps an error's text, and returns the error.
func (e *ear) hear(err error) error {
	if err != nil {
		e.note(fmt.Sprintf("%+v", err))
	}
	return err
}

func (e *ear) note(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts = append(e.texts, text)
}

// heard is a kind of the cloud under test.
type heard struct {
	driver.Resource
	e *ear
}

func (h heard) Plan(c driver.Change) ([]driver.Step, error) {
	steps, err := h.Resource.Plan(c)
	return steps, h.e.hear(err)
}

func (h heard) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r, err := h.Resource.Run(ctx, c)
	return r, h.e.hear(err)
}

func (h heard) Look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := h.Resource.Look(ctx, c)
	h.e.note(v.Detail)
	return v, h.e.hear(err)
}

func (h heard) Observe(ctx context.Context, id string) (driver.Observation, error) {
	o, err := h.Resource.Observe(ctx, id)
	h.e.note(string(o.Raw))
	return o, h.e.hear(err)
}

func (h heard) List(ctx context.Context, cursor string) (driver.Page, error) {
	p, err := h.Resource.List(ctx, cursor)
	return p, h.e.hear(err)
}

// shortest is the length below which a secret may be found in a text by chance.
const shortest = 8

// secretive searches everything that was said in the run: a secret stands in it neither as it is nor as a URL or a header
// would carry it.
func (w *world) secretive(t *testing.T) {
	for name, secret := range map[string]string{"the account's secret": w.h.Account.Secret.Reveal(), "a wrong secret": wrongSecret, "a login": password} {
		if len(secret) < shortest {
			t.Logf("%s is too short to be searched for", name)
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			for _, text := range w.cloud.texts {
				if strings.Contains(text, form) {
					t.Errorf("%s is told: %s", name, strings.ReplaceAll(text, form, "(secret)"))
				}
			}
		}
	}
}
