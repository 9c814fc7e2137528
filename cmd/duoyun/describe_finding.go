package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
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
	for _, command := range orderCommands(finding) {
		fmt.Fprintf(w, "  %s\n", command)
	}
	fmt.Fprintf(w, "- %s\n  duoyun resolve %s --note …\n", a.say("已由人办结：写明即可", "people have settled it: say how"), number)
	if finding["evidence"] == nil {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", a.say("依据", "Evidence"))
	evidence, err := json.MarshalIndent(finding["evidence"], "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", evidence)
	return err
}

// orderCommands are what an order that a finding is about can be told, by the finding's kind: what is short or was not
// placed is tried again, had elsewhere or withdrawn; an undoing that got stuck is only gone on with; what is not signed
// yet can be withdrawn.
func orderCommands(finding map[string]any) []string {
	if text(finding, "about") != "order" || text(finding, "state") != string(duoyun.FindingOpen) {
		return nil
	}
	order := text(finding, "subject.code")
	retry, reselect, withdraw := "duoyun retry "+order, "duoyun reselect "+order+" --note …", "duoyun cancel "+order+" --note …"
	switch text(finding, "kind") {
	case broker.FindingShortage, broker.FindingNotPlaced:
		return []string{retry, reselect, withdraw}
	case broker.FindingUndoStuck:
		return []string{retry}
	case broker.FindingNoOffer, broker.FindingOverProject, broker.FindingOverFunding:
		return []string{withdraw}
	}
	return nil
}
