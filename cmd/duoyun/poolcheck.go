package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
)

func (a *app) poolCommand() *cobra.Command {
	pool := &cobra.Command{Use: "pool", Short: "资源池账号 · a pool's account"}
	pool.AddCommand(&cobra.Command{
		Use: "check POOL", Short: "核验：凭据、权限、映射、配额与余额 · prove its key with read-only calls", Args: cobra.ExactArgs(1),
		Long: `Proves the pool's credential with read-only calls, and names what it may not do, which images, zones and classes its
mapping names that are not there, and what the account may still buy. Exits 1 when something is amiss.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			var check map[string]any
			if err := c.post(cmd.Context(), "/v1/pools/"+url.PathEscape(args[0])+"/check", nil, &check); err != nil {
				return err
			}
			if err := a.poolCheckText(cmd.OutOrStdout(), check); err != nil {
				return err
			}
			if faults := rowsOf(check, "faults"); len(faults) > 0 {
				return duoyun.Fail(duoyun.CodeVendor, "", "资源池 %[1]s 有 %[2]d 处问题", "pool %[1]s has %[2]d faults", args[0], len(faults))
			}
			return nil
		},
	})
	return pool
}

func (a *app) poolCheckText(w io.Writer, check map[string]any) error {
	if a.output != "table" {
		return a.print(w, check, nil, nil)
	}
	fmt.Fprintf(w, "%s %s\n", a.say("可提供", "offers"), strings.Trim(fmt.Sprint(check["kinds"]), "[]"))
	if balance := text(check, "balance"); balance != "" {
		fmt.Fprintf(w, "%s %s %s\n", a.say("余额", "balance"), balance, text(check, "currency"))
	}
	for _, part := range []struct {
		title   string
		rows    []any
		columns []column
	}{
		{a.say("配额", "quota"), rowsOf(check, "allowances"), []column{{"维度", "DIMENSION", "dimension"}, {"上限", "LIMIT", "limit"}, {"已用", "USED", "used"}}},
		{a.say("问题", "faults"), rowsOf(check, "faults"), []column{{"位置", "WHERE", "path"}, {"规则", "RULE", "rule"}, {"收到", "GIVEN", "given"}}},
	} {
		if len(part.rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", part.title)
		if err := a.table(w, part.rows, part.columns); err != nil {
			return err
		}
	}
	return nil
}
