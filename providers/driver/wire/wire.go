// Package wire makes the HTTP transport and client that a driver gives its SDK: certificates are verified, redirects are
// not followed, answers are bounded, nothing is sent twice, and a request that cannot have left is told from one that may.
package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// MaxAnswer is how long an answer may be; reading on is an error. A page of a listing is a few hundred KiB.
const MaxAnswer = 10 << 20

// ErrTooLong is what reading beyond MaxAnswer gives.
var ErrTooLong = errors.New("the answer is longer than 10 MiB")

// Client is the HTTP client of an account. reads tells the requests that change nothing: they alone reuse connections. A
// redirect is the answer itself: followed, a POST would arrive as GET, and a signature at another host.
func Client(a driver.Account, reads func(*http.Request) bool) (*http.Client, error) {
	t, err := Transport(a, reads)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: driver.Listener{Base: t}, Timeout: a.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// Transport is the transport of an account, whose Timeout must be set. Verification of certificates cannot be turned off:
// a private CA is added to the system's instead.
func Transport(a driver.Account, reads func(*http.Request) bool) (http.RoundTripper, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if a.CA != "" && !roots.AppendCertsFromPEM([]byte(a.CA)) {
		return nil, table.Impossible("ca", "CA 证书不是 PEM 格式", "the CA is not PEM")
	}
	proxy := http.ProxyFromEnvironment
	if a.Proxy != "" {
		u, err := url.Parse(a.Proxy)
		if err != nil || u.Host == "" {
			return nil, table.Impossible("proxy", "代理须为 http://主机:端口", "a proxy is http://host:port")
		}
		proxy = http.ProxyURL(u)
	}
	base := &http.Transport{
		Proxy:                 proxy,
		DialContext:           (&net.Dialer{Timeout: a.Timeout / 2}).DialContext,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   a.Timeout / 2,
		ResponseHeaderTimeout: a.Timeout,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       10 * time.Second,
	}
	once := base.Clone()
	once.DisableKeepAlives = true
	return transport{reads: base, others: once, isRead: reads}, nil
}

// transport knows whether a failed request could have left at all: without a connection nothing was sent. Only reads reuse
// connections: an API server that closes an idle connection under a mutation would put it in doubt, and some answers to
// HEAD and DELETE leave bytes behind that would be taken for the next answer.
type transport struct {
	reads, others http.RoundTripper
	isRead        func(*http.Request) bool
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	base := t.others
	if t.isRead(r) {
		base = t.reads
	}
	resp, err := base.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		if !connected.Load() {
			return nil, table.Refuse(driver.Unavailable, err)
		}
		return nil, err
	}
	resp.Body = &bounded{resp.Body, MaxAnswer}
	return resp, nil
}

// bounded is a body that ends in an error where it is too long: cut off in silence, it might still parse.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.ReadCloser.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, ErrTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
