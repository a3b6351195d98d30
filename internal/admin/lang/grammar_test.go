package lang_test

import (
	"sync"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
)

// grammar returns the grammar of all commands.
var grammar = sync.OnceValue(func() *lang.Grammar { return command.NewGrammar(command.All()) })

// parse parses a query string with the defaults of a session.
func parse(query string) []lang.Statement { return grammar().Parse(lang.Dialect{}, query) }
