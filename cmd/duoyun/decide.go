package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
)

func taskPath(key, verb string) string { return "/v1/tasks/" + url.PathEscape(key) + verb }

// decide sends a verdict on a task; a signature repeats the content hash the task shows now.
func (a *app) decide(cmd *cobra.Command, key, verdict, note string) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	var task map[string]any
	if err := c.get(cmd.Context(), taskPath(key, ""), nil, &task); err != nil {
		return err
	}
	in := map[string]any{"verdict": verdict}
	if note != "" {
		in["note"] = note
	}
	if h := text(task, "hash"); h != "" {
		in["hash"] = h
	}
	return a.act(cmd, c, taskPath(key, "/decide"), in, "tasks")
}

// act posts and prints the row that comes back.
func (a *app) act(cmd *cobra.Command, c *client, path string, in any, kind string) error {
	var row map[string]any
	if err := c.post(cmd.Context(), path, in, &row); err != nil {
		return err
	}
	l, err := findListing(kind)
	if err != nil {
		return err
	}
	return a.print(cmd.OutOrStdout(), row, []any{row}, l.columns)
}

func (a *app) approveCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "approve TASK", Short: "同意任务：评审、会签、开通确认 · approve a task", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.decide(cmd, args[0], "approve", note) },
	}
	cmd.Flags().StringVar(&note, "note", "", "意见 · what to record")
	return cmd
}

func (a *app) refuseCommand(verdict, short string) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: verdict + " TASK --note WHY", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.decide(cmd, args[0], verdict, note) },
	}
	cmd.Flags().StringVar(&note, "note", "", "理由 · why")
	_ = cmd.MarkFlagRequired("note") // the flag exists
	return cmd
}

func (a *app) cutCommand() *cobra.Command {
	var lines []string
	var reason string
	cmd := &cobra.Command{
		Use: "cut TASK --line NAME=UNITS --reason WHY", Short: "核减：评审任务的核定数量 · cut an order back at its review", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cuts, err := cutsOf(lines, reason)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.act(cmd, c, taskPath(args[0], "/cut-back"), map[string]any{"cuts": cuts}, "tasks")
		},
	}
	cmd.Flags().StringArrayVar(&lines, "line", nil, "line and approved units, such as app=2; repeatable")
	cmd.Flags().StringVar(&reason, "reason", "", "核减理由 · why")
	return cmd
}

func cutsOf(lines []string, reason string) ([]map[string]any, error) {
	cuts := []map[string]any{}
	for _, l := range lines {
		name, units, _ := strings.Cut(l, "=")
		n, err := strconv.ParseInt(units, 10, 64)
		if err != nil {
			return nil, duoyun.Fail(duoyun.CodeInvalid, "line", "应为 名称=数量，如 app=2：%s", "must be name=units, such as app=2, not %s", l)
		}
		cuts = append(cuts, map[string]any{"line": name, "approved": n, "reason": reason})
	}
	return cuts, nil
}

func (a *app) chooseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "choose TASK POOL...", Short: "确认供应商：逐个组件写明资源池 · confirm the pool of each component, in order", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			var picks []map[string]any
			for i, pool := range args[1:] {
				pick := map[string]any{"component": i, "pool": pool}
				if reason != "" {
					pick["reason"] = reason
				}
				picks = append(picks, pick)
			}
			return a.act(cmd, c, taskPath(args[0], "/confirm-supplier"), map[string]any{"picks": picks}, "tasks")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "不选第一名的理由 · why, where it is not the first")
	return cmd
}

func (a *app) reselectCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "reselect ORDER --note WHY", Short: "改选：未能开通的部分另选资源池 · choose another pool for what could not be had", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onOrder(cmd, args[0], "/reselect", map[string]any{"note": note})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "理由 · why")
	_ = cmd.MarkFlagRequired("note") // the flag exists
	return cmd
}

func (a *app) retryCommand() *cobra.Command {
	return &cobra.Command{
		Use: "retry ORDER", Short: "重试：挂起的重新落单，撤销受阻的继续撤销 · place a held order again, or go on undoing a stuck one", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.onOrder(cmd, args[0], "/retry", nil) },
	}
}

func (a *app) cancelCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "cancel ORDER --note WHY", Short: "撤回：尚未采购的申请单 · withdraw an order that has not been bought yet", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onOrder(cmd, args[0], "/cancel", map[string]any{"note": note})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "理由 · why")
	_ = cmd.MarkFlagRequired("note") // the flag exists
	return cmd
}

func (a *app) onOrder(cmd *cobra.Command, key, verb string, in any) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	return a.act(cmd, c, "/v1/orders/"+url.PathEscape(key)+verb, in, "orders")
}

func (a *app) findingsCommand() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use: "findings", Short: "待处理事项 · what no rule could decide", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := findListing("findings")
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.list(cmd, c, l, url.Values{"state": {state}}, false)
		},
	}
	cmd.Flags().StringVar(&state, "state", "open", "open or resolved")
	return cmd
}

func (a *app) resolveCommand() *cobra.Command {
	var note, remedy, vendorID string
	cmd := &cobra.Command{
		Use: "resolve FINDING --note HOW [--remedy REMEDY]", Short: "办结待处理事项 · resolve a finding", Args: cobra.ExactArgs(1),
		Long: `Closes a finding with what was done about it. "duoyun describe finding NUMBER" shows the evidence and the remedies that the
platform offers to carry out itself: look_again, buy_again, adopt, give_up, clear.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			body := map[string]any{"note": note}
			if remedy != "" {
				body["remedy"] = remedy
			}
			if vendorID != "" {
				body["vendor_id"] = vendorID
			}
			return a.act(cmd, c, "/v1/findings/"+url.PathEscape(args[0])+"/resolve", body, "findings")
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "处置说明 · how it was settled")
	cmd.Flags().StringVar(&remedy, "remedy", "", "由平台代办的处置 · what the platform is to do")
	cmd.Flags().StringVar(&vendorID, "vendor-id", "", "adopt: 认领的云资源标识 · the resource's id at the cloud")
	_ = cmd.MarkFlagRequired("note") // the flag exists
	return cmd
}

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "导出 · exports"}
	var month string
	focus := &cobra.Command{
		Use: "focus --month YYYY-MM", Short: "FOCUS 1.2 账单 CSV · a month's charges as FOCUS 1.2", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := duoyun.ParseMonth(month); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return c.call(cmd.Context(), http.MethodGet, "/v1/exports/focus?month="+url.QueryEscape(month), "", nil, cmd.OutOrStdout())
		},
	}
	focus.Flags().StringVar(&month, "month", "", "such as 2026-10")
	_ = focus.MarkFlagRequired("month") // the flag exists
	cmd.AddCommand(focus)
	return cmd
}
