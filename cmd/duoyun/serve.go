package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
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
			}), h.Close())
		},
	}
}

const drainTime = 20 * time.Second

// serve answers the API, and works jobs where the role says so, until ctx ends; then it lets what is under way finish.
// ready is told the address once the port is open.
func (h *house) serve(ctx context.Context, ready func(address string)) error {
	l, err := net.Listen("tcp", h.config.Listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
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
