package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

const watchEvery = time.Second

func (a *app) applyCommand() *cobra.Command {
	var file string
	var watch bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "提交申请单 · hand in an order document", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := readDocument(cmd, file)
			if err != nil {
				return err
			}
			if _, err := document.Parse(raw); err != nil { // the same reader as the server's: no need to ask it
				return err
			}
			return a.submit(cmd, raw, watch)
		},
	}
	documentFlag(cmd, &file)
	watchFlag(cmd, &watch)
	return cmd
}

func watchFlag(cmd *cobra.Command, watch *bool) {
	cmd.Flags().BoolVarP(watch, "watch", "w", false, "follow the order until it is delivered or ends")
}

func (a *app) submit(cmd *cobra.Command, raw []byte, watch bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	var order map[string]any
	if err := c.call(cmd.Context(), http.MethodPost, "/v1/orders", "application/yaml", raw, &order); err != nil {
		return err
	}
	if err := a.print(cmd.OutOrStdout(), order, []any{order}, orderColumns()); err != nil || !watch {
		return err
	}
	return a.watch(cmd.Context(), cmd.ErrOrStderr(), c, text(order, "id"))
}

// watched reports whether watching an order has nothing more to show.
func watched(s duoyun.OrderState) bool {
	return s == duoyun.OrderDelivered || s == duoyun.OrderPartial || duoyun.OrderLifecycle().Final(s)
}

// watch prints every state the order is seen in, and fails unless it ends delivered.
func (a *app) watch(ctx context.Context, w io.Writer, c *client, id string) error {
	for last := ""; ; {
		var order map[string]any
		if err := c.get(ctx, "/v1/orders/"+url.PathEscape(id), nil, &order); err != nil {
			return err
		}
		state := duoyun.OrderState(text(order, "state"))
		if line := text(order, "number") + " " + a.state(order) + " " + text(order, "reason"); line != last {
			fmt.Fprintln(w, line)
			last = line
		}
		switch {
		case state == duoyun.OrderDelivered, state == duoyun.OrderConfirmed:
			return nil
		case watched(state):
			return &exitError{exitUnfinished, fmt.Errorf("%s: %s", text(order, "number"), a.state(order))}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(watchEvery):
		}
	}
}

// state names an order's state in the user's language.
func (a *app) state(order any) string { return words("order", text(order, "state")).In(a.language()) }

func (a *app) releaseCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "release RESOURCE...", Short: "申请注销资源 · order the release of resources", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			raw, err := releaseDocument(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			return a.submit(cmd, raw, watch)
		},
	}
	watchFlag(cmd, &watch)
	return cmd
}

// releaseDocument writes the release order of resources that all belong to one agency.
func releaseDocument(ctx context.Context, c *client, keys []string) ([]byte, error) {
	req := duoyun.OrderRequest{Form: duoyun.FormRelease}
	for _, key := range keys {
		var r map[string]any
		if err := c.get(ctx, "/v1/resources/"+url.PathEscape(key), nil, &r); err != nil {
			return nil, err
		}
		agency := text(r, "agency.code")
		if req.Agency != "" && req.Agency != agency {
			return nil, duoyun.Fail(duoyun.CodeInvalid, "resource", "一张单只能属于一个单位：%s、%s", "one order is of one agency, not %s and %s", req.Agency, agency)
		}
		req.Agency, req.System = agency, text(r, "system.code")
		req.Lines = append(req.Lines, duoyun.Line{Resource: text(r, "number"), Action: duoyun.ActionRelease, Quantity: 1})
	}
	return document.Marshal(req), nil
}
