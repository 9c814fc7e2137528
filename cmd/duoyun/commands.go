package main

import "github.com/spf13/cobra"

// clientCommands talk to a server as a user.
func (a *app) clientCommands() []*cobra.Command {
	return []*cobra.Command{
		a.lintCommand(), a.applyCommand(), a.getCommand(), a.describeCommand(), a.releaseCommand(),
		a.approveCommand(), a.refuseCommand("reject", "驳回任务 · reject a task"), a.refuseCommand("return", "退回补正 · return an order for mending"),
		a.cutCommand(), a.chooseCommand(), a.retryCommand(), a.reselectCommand(), a.cancelCommand(), a.findingsCommand(), a.resolveCommand(), a.exportCommand(), a.loginCommand(), a.reconcileCommand(), a.poolCommand(),
	}
}

// serverCommands run or set up a server.
func (a *app) serverCommands() []*cobra.Command {
	return []*cobra.Command{a.serveCommand(), a.demoCommand(), a.fakesCommand(), a.initCommand(), a.migrateCommand(), a.configCommand()}
}
