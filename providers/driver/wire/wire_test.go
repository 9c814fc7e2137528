package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

func isRead(r *http.Request) bool { return r.Method == http.MethodGet }

func client(t *testing.T, a driver.Account) *http.Client {
	t.Helper()
	a.Timeout = 5 * time.Second
	c, err := wire.Client(a, isRead)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// code is what the error says of itself, "" where it says nothing.
func code(err error) driver.Code {
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	return ""
}

func TestARequestThatCannotHaveLeftIsToldFromOneThatMay(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := client(t, driver.Account{}).Post(gone.URL, "", nil); code(err) != driver.Unavailable {
		t.Errorf("nobody listens: %v", err)
	}
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	if _, err := client(t, driver.Account{}).Post(cut.URL, "", nil); err == nil || code(err) != "" {
		t.Errorf("the connection was cut: %v", err)
	}
}

func TestARedirectIsTheAnswer(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	resp, err := client(t, driver.Account{}).Post(s.URL, "", strings.NewReader("x"))
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
}

func TestAnAnswerIsReadToItsBoundAndNoFurther(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := wire.MaxAnswer
		if r.URL.Path == "/more" {
			n++
		}
		_, _ = io.Copy(w, bytes.NewReader(make([]byte, n)))
	}))
	defer s.Close()
	for path, want := range map[string]error{"/": nil, "/more": wire.ErrTooLong} {
		resp, err := client(t, driver.Account{}).Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if !errors.Is(err, want) || n != wire.MaxAnswer {
			t.Errorf("%s: %d bytes, %v, want %v", path, n, err, want)
		}
		_ = resp.Body.Close()
	}
}

func TestWhatCannotServeIsRefusedByName(t *testing.T) {
	t.Parallel()
	for field, a := range map[string]driver.Account{"ca": {CA: "no PEM"}, "proxy": {Proxy: "no URL"}} {
		if _, err := wire.Client(a, isRead); code(err) != driver.Invalid || !strings.Contains(err.Error(), strings.ToUpper(field[:1])) && !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer proxy.Close()
	resp, err := client(t, driver.Account{Proxy: proxy.URL}).Get("http://vendor.invalid/")
	if err != nil || resp.StatusCode != http.StatusTeapot {
		t.Fatalf("through the proxy: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
}
