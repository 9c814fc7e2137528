package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

func (a *app) lintCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "lint -f FILE", Short: "离线检查申请单 · check an order document without a server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := readDocument(cmd, file)
			if err != nil {
				return err
			}
			if _, err := document.Parse(raw); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), a.say("申请单无误", "the document is sound"))
			return nil
		},
	}
	documentFlag(cmd, &file)
	return cmd
}

func documentFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", "", "order document, - for standard input")
	_ = cmd.MarkFlagRequired("file") // the flag exists
}

// readDocument reads at most a byte more than a document may have: the reader then says that it is too long.
func readDocument(cmd *cobra.Command, file string) ([]byte, error) {
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, duoyun.Fail(duoyun.CodeInvalid, "file", "文件无法读取：%s", "the file cannot be read: %s", file).Because(err)
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, document.MaxBytes+1))
}
