package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/access"
)

func TestANewInstallationIsToldToBeginWithInit(t *testing.T) {
	t.Parallel()
	if _, said, code := runs(t, "get", "orders"); code != exitForbidden || !strings.Contains(said, "duoyun init") {
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
