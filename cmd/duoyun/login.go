package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

func (a *app) loginCommand() *cobra.Command {
	return &cobra.Command{
		Use: "login RESOURCE", Short: "领取登录口令，只显示一次 · show a server's password, once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			var row map[string]any
			if err := c.post(cmd.Context(), "/v1/resources/"+url.PathEscape(args[0])+"/login", nil, &row); err != nil {
				return err
			}
			return a.print(cmd.OutOrStdout(), row, []any{row}, []column{{"资源单号", "NUMBER", "resource.code"}, {"名称", "NAME", "resource.name"}, {"登录口令", "PASSWORD", "secret"}})
		},
	}
}
