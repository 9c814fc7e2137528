package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "运行服务 · run the server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			log := logger(c.LogLevel, os.Stderr)
			slog.SetDefault(log)
			h, err := build(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			return errors.Join(h.serve(cmd.Context(), func(address string) {
				fmt.Fprintln(cmd.OutOrStdout(), a.say("服务地址 ", "serving at ")+address)
				a.hint(cmd.Context(), cmd.OutOrStdout(), h.store)
			}), h.Close())
		},
	}
}

// hint says how to begin, where nobody can come in yet.
func (a *app) hint(ctx context.Context, w io.Writer, s *store.Store) {
	if users, err := s.Users(ctx, duoyun.Page{Limit: 1}); err == nil && len(users.Items) == 0 {
		fmt.Fprintln(w, a.say("尚无用户：请在本文件夹运行 duoyun init，见 docs/install.md", "nobody can come in yet: run duoyun init in this folder, see docs/install.md"))
	}
}

const drainTime = 20 * time.Second

// writeTimeout is how long a client may take no byte of its answer. Every write begins it anew, so that a long export
// goes on for as long as somebody reads it.
const writeTimeout = 2 * time.Minute

func patient(next http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&patientWriter{w, timeout}, r)
	})
}

type patientWriter struct {
	http.ResponseWriter
	timeout time.Duration
}

func (w *patientWriter) Write(b []byte) (int, error) {
	// A writer without deadlines has none to put off.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.timeout))
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve answers the API, and works jobs where the role says so, until ctx ends; then it lets what is under way finish.
// ready is told the address once the port is open.
func (h *house) serve(ctx context.Context, ready func(address string)) error {
	l, err := net.Listen("tcp", h.config.Listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: patient(h.handler, writeTimeout), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: writeTimeout, IdleTimeout: 2 * time.Minute}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { // jobs
		done <- h.Run(ctx)
	}()
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	}()
	ready("http://" + l.Addr().String())
	var runErr error
	select {
	case <-ctx.Done():
		runErr = <-done
	case runErr = <-done:
	}
	drain, stop := context.WithTimeout(context.Background(), drainTime)
	defer stop()
	err = errors.Join(runErr, server.Shutdown(drain), h.Stop(drain))
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}
