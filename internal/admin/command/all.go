package command

import (
	"metadb/internal/admin/lang"
)

// All lists the commands of this version, in the order of HELP.
func All() []Command { return withHelp(nil) }

// withHelp lists the commands of this version, others, and HELP, which knows them all.
func withHelp(others []Command) []Command {
	commands := append([]Command{
		createSourceCommand(),
		alterSourceCommand(),
		dropSourceCommand(),
		createOriginCommand(),
		dropOriginCommand(),
		createMappingCommand(),
		dropMappingCommand(),
		refreshMappingCommand(),
		syncCommand(),
		endsyncCommand(),
		abortSyncCommand(),
		addColumnCommand(),
		alterColumnCommand(),
		purgeTablesCommand(),
		createUserCommand(),
		alterUserCommand(),
		dropUserCommand(),
		registerUserCommand(),
		deregisterUserCommand(),
		createSchemaCommand(),
		grantCommand(),
		revokeCommand(),
		alterSystemCommand(),
		listBlockersCommand(),
		listConfigCommand(),
		listMappingsCommand(),
		listOriginsCommand(),
		listSourcesCommand(),
		listStatusCommand(),
		listUsersCommand(),
		retryRejectedCommand(),
		purgeRejectedCommand(),
		skipPartitionCommand(),
		refreshTypesCommand(),
		verifyConsistencyCommand(),
	}, others...)
	commands = append(commands, helpCommand(func() []Command { return commands }))
	return commands
}

// NewGrammar returns the grammar of commands.
func NewGrammar(commands []Command) *lang.Grammar {
	forms := make([]lang.Form, len(commands))
	for i := range commands {
		forms[i] = commands[i].form()
	}
	return lang.NewGrammar(forms)
}
