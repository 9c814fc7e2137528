package main

import (
	"bufio"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun/deploy/scenarios"
)

// binary builds the command once for the whole test run, or takes the one that DUOYUN_TEST_BINARY names.
var binary = sync.OnceValues(func() (string, error) {
	if built := os.Getenv("DUOYUN_TEST_BINARY"); built != "" {
		return filepath.Abs(built)
	}
	dir, err := os.MkdirTemp("", "duoyun-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "duoyun")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return path, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil && os.Getenv("DUOYUN_TEST_BINARY") == "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// process is a server of its own, that can be killed as a machine would.
type process struct {
	t      *testing.T
	dir    string
	env    []string
	cmd    *exec.Cmd
	output *os.File
	url    string
}

func newProcess(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir()}
	p.env = append(os.Environ(), append([]string{"DUOYUN_LISTEN=127.0.0.1:0", "DUOYUN_DATABASE=" + filepath.Join(p.dir, "duoyun.db"),
		"DUOYUN_SEAL_KEY_FILE=" + filepath.Join(p.dir, "key")}, env...)...)
	return p
}

// run runs another subcommand to its end.
func (p *process) run(args ...string) string {
	p.t.Helper()
	path, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = p.env, p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// start starts the server and waits until it tells its address.
func (p *process) start() {
	p.t.Helper()
	path, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	if p.output, err = os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(path, "serve", "--lang", "en")
	p.cmd.Env, p.cmd.Dir, p.cmd.Stderr = p.env, p.dir, p.output
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.url = strings.TrimPrefix(strings.TrimSpace(line), "serving at ")
	if err != nil || !strings.HasPrefix(p.url, "http://") {
		p.t.Fatalf("the server did not start: %q, %v\n%s", line, err, p.log())
	}
}

func (p *process) log() string {
	raw, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return string(raw[max(0, len(raw)-4000):])
}

// kill ends the server without a word to it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.output.Close()
}

// stage is the Suqian scenario on a running server, ready for its orders.
func stage(t *testing.T, p *process, accounts func(*scenario) map[string]account) *play {
	t.Helper()
	files, err := fs.Sub(scenarios.Suqian, "suqian")
	if err != nil {
		t.Fatal(err)
	}
	s, err := readScenario(files)
	if err != nil {
		t.Fatal(err)
	}
	p.run("init", "--agency", s.Root.Code, "--name", s.Root.Name, "--short", s.Root.Short, "--file", "tokens.json")
	tokens, err := readTokens(filepath.Join(p.dir, "tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	cast := newCast(p.url, "en", tokens.Tokens)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := s.load(ctx, cast, accounts(s), func(string, string, int) {}); err != nil {
		t.Fatal(err)
	}
	a := &app{getenv: func(string) string { return "" }, lang: "en"}
	return &play{cast: cast, scenario: s, tell: &teller{app: a, w: t.Output()}}
}
