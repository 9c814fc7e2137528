package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// commandLine executes one command line and returns what it printed, what it would say of its error, and its exit code.
func commandLine(t *testing.T, args ...string) (out, said string, code int) {
	t.Helper()
	a := &app{getenv: func(string) string { return "" }}
	var b bytes.Buffer
	cmd := a.command()
	cmd.SetOut(&b)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		said = a.explain(err)
	}
	return b.String(), said, exitCode(err)
}

func TestMistakesOnTheCommandLineExitTwoInTheUsersLanguage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"approve":               {"参数个数不对，用法：duoyun approve TASK", "wrong number of arguments"},
		"approve A B":           {"参数个数不对", "wrong number of arguments"},
		"aprove T":              {"没有命令 aprove，是否为 approve？", "did you mean approve?"},
		"nothing":               {"没有命令 nothing", "there is no command nothing"},
		"config nothing":        {"没有命令 nothing", "duoyun config --help lists them"},
		"reject T":              {"须给出 --note", "--note must be given"},
		"export focus":          {"须给出 --month", "--month must be given"},
		"get orders --limit x":  {"选项 --limit 的值有误：x", "the flag --limit takes no x"},
		"get orders --nothing":  {"没有选项 --nothing", "there is no flag --nothing"},
		"get -x":                {"没有选项 -x", "there is no flag -x"},
		"approve T --note":      {"选项 --note 须有值", "the flag --note needs a value"},
		"get nothing --token t": {"没有 nothing", "there is no nothing"},
	} {
		for lang, i := range map[string]int{"zh-CN": 0, "en": 1} {
			args := append([]string{"--lang", lang}, strings.Fields(line)...)
			if _, said, code := commandLine(t, args...); code != exitInvalid || !strings.Contains(said, want[i]) {
				t.Errorf("%v: exit code %d, %q", args, code, said)
			}
		}
	}
	for _, line := range []string{"", "config", "export", "approve --help", "demo --help"} {
		if out, said, code := commandLine(t, strings.Fields(line)...); code != exitOK || !strings.Contains(out, "Usage:") || strings.Contains(out, "--once demo") {
			t.Errorf("%q: exit code %d, %s%s", line, code, out, said)
		}
	}
}
