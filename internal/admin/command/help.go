package command

import (
	"fmt"
	"slices"
	"strings"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// commandHelp is the help text of one command.
type commandHelp struct {
	// words contains the command's keywords.
	words   string
	purpose string
	syntax  string
}

// commandForms lists the commands of this version.
func commandForms() []commandHelp {
	return []commandHelp{
		{"create data source", "define a data source and begin streaming", "create data source NAME type kafka options (OPTION 'VALUE', …)"},
		{"alter data source", "change the options of a data source", "alter data source NAME options ([add | set | drop] OPTION ['VALUE'], …)"},
		{"drop data source", "remove a data source; its tables stay", "drop data source NAME"},
		{"create data origin", "declare an origin", "create data origin NAME"},
		{"drop data origin", "remove an origin", "drop data origin NAME"},
		{"create data mapping", "make columns and tables of the JSON in a column", "create data mapping for json from table SCHEMA.TABLE__ column COLUMN path 'PATH' to 'TARGET'"},
		{"drop data mapping", "remove a JSON mapping; rows stay until they change", "drop data mapping for json from table SCHEMA.TABLE__ column COLUMN path 'PATH'"},
		{"refresh data mapping", "apply a table's JSON mappings to the rows that are there", "refresh data mapping for table SCHEMA.TABLE__"},
		{"sync", "begin the resynchronization of a data source or a table", "sync {data source NAME | table SCHEMA.TABLE__} [with (restart, from_beginning, dry_run)]"},
		{"endsync", "end a synchronization, and the rows that are not in it", "endsync {data source NAME | table SCHEMA.TABLE__} [with (force_unconfirmed, dry_run)]"},
		{"abort sync", "leave a resynchronization without ending anything", "abort sync {data source NAME | table SCHEMA.TABLE__}"},
		{"alter table add column", "add a column to a main table", "alter table SCHEMA.TABLE__ add column COLUMN TYPE"},
		{"alter table alter column", "widen the type of a column, or make it text or uuid", "alter table SCHEMA.TABLE__ alter column COLUMN type TYPE"},
		{"purge data", "drop main tables, with what is transformed from them, their mappings and grants", "purge data drop table SCHEMA.TABLE__ [, …]"},
		{"create user", "make a user who can log in to the database, with a schema of the same name", "create user NAME with password 'PASSWORD' [, comment 'COMMENT'] [, connection_limit 'NUMBER']"},
		{"alter user", "change a user's password", "alter user NAME with password 'PASSWORD'"},
		{"drop user", "drop a user that create user made; what it owned is kept, but nobody can use it", "drop user NAME [with (drop objects)]"},
		{"register user", "make a role one that can be granted access", "register user NAME"},
		{"deregister user", "take back all access of a user, and forget it", "deregister user NAME"},
		{"create schema", "make a schema in which a user may create objects", "create schema for user NAME"},
		{"grant", "let a user read a table, call a function, or read everything", "grant access on {table SCHEMA.TABLE | function SCHEMA.FUNCTION(TYPES) | all} to NAME"},
		{"revoke", "take a grant back", "revoke access on {table SCHEMA.TABLE | function SCHEMA.FUNCTION(TYPES) | all} from NAME"},
		{"alter system", "set a configuration parameter", "alter system set PARAMETER = 'VALUE'"},
		{"list blockers", "show who holds the locks that waiting tables need", "list blockers"},
		{"list config", "show the configuration parameters", "list config"},
		{"list data_mappings", "show the JSON mappings", "list data_mappings"},
		{"list data_origins", "show the origins", "list data_origins"},
		{"list data_sources", "show the data sources and their options", "list data_sources"},
		{"list status", "show what the streams are doing", "list status"},
		{"list users", "show the registered users, and the statement that commands about them lack", "list users"},
		{"retry rejected events", "try again to apply the records that could not be applied", "retry rejected events for data source NAME"},
		{"purge rejected events", "remove the records that could not be applied", "purge rejected events for data source NAME"},
		{"skip partition", "go on behind records of a topic that can't be read; they count as a gap", "skip partition TOPIC/NUMBER to offset OFFSET for data source NAME"},
		{"refresh inferred column types", "make uuid columns of text columns that hold nothing else", "refresh inferred column types"},
		{"verify consistency", "look for damage in the tables: rows, partitions, indexes, grants", "verify consistency"},
		{"help", "show the commands, or those that begin with some words", "help [COMMAND]"},
	}
}

// showHelp executes HELP: it lists every command, or those that begin with the words given.
func showHelp(c lang.Help) (*Result, error) {
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		words[i] = w.Text
	}
	begin := strings.Join(words, " ")
	var rows [][]any
	var beginnings []string
	for _, t := range commandForms() {
		if strings.HasPrefix(t.words+" ", begin) {
			rows = append(rows, []any{t.words, t.purpose, t.syntax})
		}
		// The suggestion compares beginnings of equal length: "drup data" is close to "drop data",
		// but not to any whole command.
		all := strings.Fields(t.words)
		beginning := strings.Join(all[:min(len(words), len(all))], " ")
		if !slices.Contains(beginnings, beginning) {
			beginnings = append(beginnings, beginning)
		}
	}
	if len(rows) == 0 {
		return nil, &Error{
			Code: pgcode.UndefinedObject, Message: fmt.Sprintf("there is no command \"%s\"", begin),
			Hint: lang.Suggest(begin, beginnings), Position: c.Words[0].At,
		}
	}
	return tableResult(Describe(c), rows), nil
}
