package command

import (
	"context"

	"metadb/internal/admin/lang"
)

// Executor parses and executes commands. It is safe for concurrent use.
type Executor struct {
	services *Services
	grammar  *lang.Grammar
	locks    map[Lock]commandLock
}

// New returns an executor of the commands of this version, and of others.
func New(services Services, others ...Command) *Executor {
	return &Executor{
		services: &services,
		grammar:  NewGrammar(withHelp(others)),
		locks:    map[Lock]commandLock{LockStreams: newCommandLock(), LockUsers: newCommandLock()},
	}
}

// Parse splits a query string into commands and SQL.
func (e *Executor) Parse(d lang.Dialect, query string) []lang.Statement {
	return e.grammar.Parse(d, query)
}

// Exec executes one command that Parse has returned. Callers convert the error with [AsError].
func (e *Executor) Exec(ctx context.Context, parsed lang.Command) (*Result, error) {
	call, ok := parsed.(Call)
	if !ok {
		return nil, notSupportedError(parsed)
	}
	if lock, ok := e.locks[call.command.Lock]; ok {
		if err := lock.acquire(ctx); err != nil {
			return nil, err
		}
		defer lock.release()
	}
	return call.statement.Run(ctx, e.services)
}
