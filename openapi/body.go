package openapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// maxBody bounds every request body; an order document is smaller still.
const maxBody = 1 << 20

// read takes the whole body in, bounded, before anything looks at it, and notes what makes the call repeatable.
func (s *server) read(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		c := callOf(r.Context())
		c.body = body
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		if r.Method == http.MethodPost {
			c.once = onceOf(r, operationOf(r.Context()), body)
		}
		next.ServeHTTP(w, r)
	})
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "" {
		return nil, duoyun.Fail(codeMedia, "Content-Encoding", "请求体不能压缩", "request bodies may not be compressed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, duoyun.Fail(codeTooLarge, "body", "请求体不超过 1 MiB", "a request body is at most 1 MiB")
	case err != nil:
		return nil, duoyun.Fail(duoyun.CodeInvalid, "body", "请求体没有收全", "the request body did not arrive whole").Because(err)
	case !utf8.Valid(body):
		return nil, duoyun.Fail(duoyun.CodeInvalid, "body", "请求体须为 UTF-8", "the request body must be UTF-8")
	case isJSON(r) && len(body) > 0 && !json.Valid(body):
		return nil, duoyun.Fail(duoyun.CodeInvalid, "body", "请求体不是合法的 JSON", "the request body is not valid JSON")
	}
	return body, nil
}

func isJSON(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// onceOf is the identity of a POST. The hash covers path and query too: the template alone would take the cancelling
// of one order for that of another.
func onceOf(r *http.Request, op operation, body []byte) duoyun.Once {
	h := sha256.New()
	for _, part := range []string{r.URL.EscapedPath(), r.URL.RawQuery, string(body)} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return duoyun.Once{Key: r.Header.Get("Idempotency-Key"), Route: r.Method + " " + op.route.Path, BodyHash: hex.EncodeToString(h.Sum(nil))}
}
