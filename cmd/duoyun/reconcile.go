package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

func (a *app) reconcileCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reconcile POOL", Short: "对账：资源池账户与台账比对 · compare a pool's account with the records", Args: cobra.ExactArgs(1),
		Long: `Compares what the pool's account holds with the records, and files what differs as findings; nothing is deleted.
Workers do the same for every active pool once a day.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			var report map[string]any
			if err := c.post(cmd.Context(), "/v1/pools/"+url.PathEscape(args[0])+"/reconcile", nil, &report); err != nil {
				return err
			}
			return a.print(cmd.OutOrStdout(), report, []any{report}, reportColumns())
		},
	}
}

func reportColumns() []column {
	return []column{{"资源池", "POOL", "pool.name"}, {"云上", "SEEN", "seen"}, {"一致", "OURS", "ours"}, {"办理中", "MOVING", "moving"},
		{"无主", "ORPHANS", "orphans"}, {"已失", "GHOSTS", "ghosts"}, {"不符", "DRIFT", "drift"}, {"多余", "SURPLUS", "surplus"},
		{"非我方", "STRANGERS", "strangers"}, {"未列全", "INCOMPLETE", "incomplete"}, {"完成", "ENDED", "ended_at"}}
}
