package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"
)

// describeFinding shows a finding with its evidence and, for each thing that may safely be done, the command that does it.
func (a *app) describeFinding(cmd *cobra.Command, c *client, key string) error {
	var finding map[string]any
	if err := c.get(cmd.Context(), "/v1/findings/"+url.PathEscape(key), nil, &finding); err != nil {
		return err
	}
	if a.output != "table" {
		return a.print(cmd.OutOrStdout(), finding, nil, nil)
	}
	return a.findingText(cmd.OutOrStdout(), finding)
}

func (a *app) findingText(w io.Writer, finding map[string]any) error {
	if err := a.table(w, []any{finding}, findingColumns()); err != nil {
		return err
	}
	number := text(finding, "number")
	fmt.Fprintf(w, "\n%s\n", a.say("可行处置", "What may be done"))
	for _, action := range rowsOf(finding, "actions") {
		fmt.Fprintf(w, "- %s\n", text(action, "text"))
		if remedy := text(action, "remedy"); remedy != "" {
			which := ""
			if remedy == "adopt" {
				which = " --vendor-id ID"
			}
			fmt.Fprintf(w, "  duoyun resolve %s --remedy %s%s --note …\n", number, remedy, which)
		}
	}
	fmt.Fprintf(w, "- %s\n  duoyun resolve %s --note …\n", a.say("已由人办结：写明即可", "people have settled it: say how"), number)
	fmt.Fprintf(w, "\n%s\n", a.say("依据", "Evidence"))
	evidence, err := json.MarshalIndent(finding["evidence"], "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", evidence)
	return err
}
