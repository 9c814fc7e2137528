package driver

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Transcript keeps how a vendor answered the last request of a call, so that an answer which is not what the vendor's
// protocol says can be shown to a person word for word. It is safe for concurrent use.
type Transcript struct {
	mu     sync.Mutex
	status int
	body   []byte
	whole  bool
}

// maxTranscript bounds how much of an answer is kept.
const maxTranscript = 16 << 10

type transcriptKey struct{}

// WithTranscript returns a context whose requests, through a Listener, are kept in the transcript.
func WithTranscript(ctx context.Context) (context.Context, *Transcript) {
	t := &Transcript{}
	return context.WithValue(ctx, transcriptKey{}, t), t
}

// Succeeded returns the body of the last answer, if that says that the request succeeded and arrived whole; what is
// longer than 16 KiB is cut.
func (t *Transcript) Succeeded() ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.body, t.whole && t.status >= 200 && t.status < 300
}

// Listener is the transport a driver gives its SDK, over its own, so that answers are kept.
type Listener struct{ Base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l Listener) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.Base.RoundTrip(r)
	t, ok := r.Context().Value(transcriptKey{}).(*Transcript)
	if err != nil || !ok {
		return resp, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status, t.body, t.whole = resp.StatusCode, nil, false
	resp.Body = &heard{resp.Body, t}
	return resp, nil
}

// heard is a body that is kept as it is read.
type heard struct {
	io.ReadCloser
	t *Transcript
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	h.t.body = append(h.t.body, p[:min(n, maxTranscript-len(h.t.body))]...)
	h.t.whole = h.t.whole || err == io.EOF //nolint:errorlint // what io.Reader promises is io.EOF itself
	return n, err
}
