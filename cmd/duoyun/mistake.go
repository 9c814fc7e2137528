package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/duoyun/duoyun"
)

// watchMistakes has every mistake on the command line refused with exitInvalid, in the user's language: cobra's own
// errors are plain English and look like any other failure.
func (a *app) watchMistakes(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return wrongFlag(cmd, err) })
	args := cmd.Args
	if !cmd.Runnable() { // a group: alone it shows its help, and what it does not know is a mistake
		args = cobra.NoArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	group := cmd.HasSubCommands()
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		switch {
		case group && len(given) > 0:
			return unknownCommand(cmd, given[0])
		case args != nil && args(cmd, given) != nil:
			return mistake("arguments", "参数个数不对，用法：%s", "wrong number of arguments; usage: %s", cmd.UseLine())
		}
		return missingFlags(cmd)
	}
	for _, sub := range cmd.Commands() {
		a.watchMistakes(sub)
	}
}

func mistake(field, zh, en string, args ...any) error {
	return duoyun.Fail(duoyun.CodeInvalid, field, zh, en, args...)
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2 // cobra sets its default only where it refuses by itself
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return mistake("command", "没有命令 %s，是否为 %s？", "there is no command %s; did you mean %s?", name, strings.Join(near, ", "))
	}
	return mistake("command", "没有命令 %s，用 %s --help 查看全部", "there is no command %s; %s --help lists them", name, cmd.CommandPath())
}

// missingFlags is cobra's check of required flags, which comes too late to be told from other failures.
func missingFlags(cmd *cobra.Command) error {
	var missing []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[cobra.BashCompOneRequiredFlag]) > 0 && !f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	if len(missing) == 0 {
		return nil
	}
	return mistake("flags", "须给出 %s", "%s must be given", strings.Join(missing, " "))
}

func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var wrong *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return mistake("flags", "没有选项 %s，用 %s --help 查看全部", "there is no flag %s; %s --help lists them", dashes+unknown.GetSpecifiedName(), cmd.CommandPath())
	case errors.As(err, &bare):
		return mistake("flags", "选项 --%s 须有值", "the flag --%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &wrong):
		return mistake("flags", "选项 --%s 的值有误：%s，应为 %s", "the flag --%s takes no %s; it is of the type %s", wrong.GetFlag().Name, wrong.GetValue(), wrong.GetFlag().Value.Type())
	}
	return mistake("flags", "命令行有误：%s", "wrong command line: %s", err.Error())
}
