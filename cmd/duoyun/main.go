// Command duoyun is the one binary: the server, the demonstration, migrations, and the client commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // civil time without a zone database on the machine

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{getenv: os.Getenv}
	root := a.command()
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, a.explain(err))
	}
	stop()
	os.Exit(exitCode(err))
}

// app holds what every command shares: the flags of the root command.
type app struct {
	getenv func(string) string
	config string
	server string
	token  string
	tokens string
	as     string
	lang   string
	output string
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "duoyun",
		Short:         "多云采购与交付网关 · multi-vendor cloud broker and procurement gateway",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `多云采购与交付网关 · multi-vendor cloud broker and procurement gateway

Exit codes: 0 done, 1 failed, 2 wrong input, 3 not allowed, 4 not found, 5 conflict or shortage,
6 server unavailable, 7 --watch ended with an order that was not delivered.`,
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.config, "config", "c", "", "configuration file of the server (default duoyun.yaml, where it exists)")
	f.StringVar(&a.server, "server", "", "address of the API (DUOYUN_SERVER; default http://127.0.0.1:8080)")
	f.StringVar(&a.token, "token", "", "bearer token (DUOYUN_TOKEN)")
	f.StringVar(&a.tokens, "tokens", "", "file of tokens by login, such as the demo writes (DUOYUN_TOKENS)")
	f.StringVar(&a.as, "as", "", "login whose token to take from --tokens (DUOYUN_AS)")
	f.StringVar(&a.lang, "lang", "", "zh-CN or en (DUOYUN_LANG; default zh-CN)")
	f.StringVarP(&a.output, "output", "o", "table", "table, json or yaml")
	root.AddCommand(a.serverCommands()...)
	root.AddCommand(a.clientCommands()...)
	a.watchMistakes(root)
	return root
}

// english reports whether the user asked for English.
func (a *app) english() bool { return strings.HasPrefix(a.language(), "en") }

func (a *app) language() string {
	return first(a.lang, a.getenv("DUOYUN_LANG"), "zh-CN")
}

// say chooses the text of the user's language.
func (a *app) say(zh, en string) string {
	if a.english() {
		return en
	}
	return zh
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// explain turns an error into words for the user: the message in their language, with every fault on a line.
func (a *app) explain(err error) string {
	var e *duoyun.Error
	if !errors.As(err, &e) {
		return a.say("错误：", "error: ") + err.Error()
	}
	var b strings.Builder
	b.WriteString(a.say("错误：", "error: ") + e.Message.In(a.language()))
	for _, f := range e.Faults {
		fmt.Fprintf(&b, "\n  %s: %s", f.Path, f.Rule.In(a.language()))
		if f.Given != "" {
			fmt.Fprintf(&b, " ← %s", f.Given)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n  %s", e.Err)
	}
	return b.String()
}
