package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/access"
)

func TestANewInstallationIsToldToBeginWithInit(t *testing.T) {
	t.Parallel()
	if _, said, code := commandLine(t, "get", "orders"); code != exitForbidden || !strings.Contains(said, "duoyun init") {
		t.Errorf("without a token: exit code %d, %s", code, said)
	}
	c := defaultConfig()
	c.Database, c.SealKeyFile = filepath.Join(t.TempDir(), "d.db"), filepath.Join(t.TempDir(), "key")
	s, err := c.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := &app{getenv: func(string) string { return "" }}
	var before, after bytes.Buffer
	a.hint(t.Context(), &before, s)
	if _, err := bootstrap(t.Context(), access.New(s, time.Now), access.AgencyInput{Code: "city", Name: "市", Short: "市"}); err != nil {
		t.Fatal(err)
	}
	a.hint(t.Context(), &after, s)
	if !strings.Contains(before.String(), "duoyun init") || after.Len() > 0 {
		t.Errorf("before init %q, after it %q", before.String(), after.String())
	}
}

func TestAServerStartsThoughItsRedisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := defaultConfig()
	c.Database, c.SealKeyFile, c.Redis = filepath.Join(t.TempDir(), "d.db"), filepath.Join(t.TempDir(), "key"), "127.0.0.1:1"
	var said bytes.Buffer
	h, err := build(t.Context(), c, logger("info", &said))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	if !strings.Contains(said.String(), "redis does not answer") {
		t.Errorf("nobody is told: %s", said.String())
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusOK {
		t.Errorf("it is not ready: %d %s", w.Code, w.Body)
	}
}

// deadlines records when a connection's writes would be cut.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestEveryWriteOfALongAnswerPutsItsDeadlineOff(t *testing.T) {
	t.Parallel()
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	h := patient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "row\n")
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), time.Hour)
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if len(w.set) != 3 || time.Until(w.set[2]) < 50*time.Minute || w.set[2].Before(w.set[0]) || w.Body.String() != "row\nrow\nrow\n" {
		t.Errorf("deadlines %v, body %q", w.set, w.Body.String())
	}
}
