package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client calls the API as one user. Every POST carries an idempotency key, so that a call whose reply was lost is made
// again safely.
type client struct {
	base  string
	token string
	lang  string
	http  *http.Client
}

func newClient(base, token, lang string) *client {
	return &client{base: strings.TrimSuffix(base, "/"), token: token, lang: lang, http: &http.Client{Timeout: time.Minute}}
}

// problem is what the API answers when it refuses (RFC 9457).
type problem struct {
	Status  int    `json:"status"`
	Title   string `json:"title"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
	Field   string `json:"field"`
	TraceID string `json:"trace_id"`
	Faults  []struct {
		Path  string `json:"path"`
		Rule  string `json:"rule"`
		Given string `json:"given"`
	} `json:"faults"`
}

func (p *problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	if p.Field != "" && len(p.Faults) == 0 {
		fmt.Fprintf(&b, " (%s)", p.Field)
	}
	for _, f := range p.Faults {
		fmt.Fprintf(&b, "\n  %s: %s", f.Path, f.Rule)
		if f.Given != "" {
			fmt.Fprintf(&b, " ← %s", f.Given)
		}
	}
	if p.Status >= 500 {
		fmt.Fprintf(&b, " [trace %s]", p.TraceID)
	}
	return b.String()
}

const (
	maxTries   = 4
	maxReply   = 64 << 20
	firstPause = 250 * time.Millisecond
)

func (c *client) get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.call(ctx, http.MethodGet, path, "", nil, out)
}

func (c *client) post(ctx context.Context, path string, in, out any) error {
	return c.send(ctx, http.MethodPost, path, in, out)
}

// send carries in as JSON; nil is no body.
func (c *client) send(ctx context.Context, method, path string, in, out any) error {
	if in == nil {
		return c.call(ctx, method, path, "", nil, out)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.call(ctx, method, path, "application/json", body, out)
}

// call makes one call and, where the server could not be reached or asks to come back, the same call again under the
// same key.
func (c *client) call(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	key := rand.Text()
	for try := 1; ; try++ {
		err := c.once(ctx, method, path, contentType, key, body, out)
		if err == nil || try == maxTries || !again(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstPause << try):
		}
	}
}

func again(err error) bool {
	var p *problem
	if errors.As(err, &p) {
		return p.Status == http.StatusServiceUnavailable || p.Status == http.StatusBadGateway || p.Status == http.StatusTooManyRequests
	}
	var u *url.Error
	return errors.As(err, &u)
}

func (c *client) once(ctx context.Context, method, path, contentType, key string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Language", c.lang)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", key)
	}
	reply, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode >= 300 {
		return refusal(reply)
	}
	return decode(reply.Body, out)
}

// decode reads JSON into out, or copies the body where out is a writer.
func decode(body io.Reader, out any) error {
	switch out := out.(type) {
	case nil:
		return nil
	case io.Writer:
		_, err := io.Copy(out, body)
		return err
	}
	err := json.NewDecoder(io.LimitReader(body, maxReply)).Decode(out)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func refusal(reply *http.Response) error {
	p := &problem{Status: reply.StatusCode}
	raw, _ := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err := json.Unmarshal(raw, p); err != nil || p.Detail == "" && p.Title == "" {
		p.Detail = fmt.Sprintf("%s: %.200s", reply.Status, raw)
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	p.Status = reply.StatusCode
	return p
}
