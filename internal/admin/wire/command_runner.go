package wire

import (
	"context"
	"sync"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// commandRunner executes a session's commands, one at a time.
type commandRunner struct {
	server   *Server
	client   *client
	db       *backend
	role     Role
	prepared *preparedCommands

	// mu guards stop, which cancels the running command; it is nil without one.
	mu   sync.Mutex
	stop context.CancelFunc
}

// parseQuery splits a query string into commands and SQL.
func (r *commandRunner) parseQuery(query string) []lang.Statement {
	return r.prepared.claimDeallocates(query, r.server.config.Executor.Parse(r.db.queryDialect(), query))
}

// execCommand executes a command and makes it cancelable by cancelWork.
func (r *commandRunner) execCommand(ctx context.Context, parsed lang.Command) (*commandAnswer, *clientError) {
	if d, ok := parsed.(deallocateCommand); ok {
		return r.prepared.deallocateLocal(d)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.setStop(stop)
	defer r.setStop(nil)
	r.auditCommand(parsed)
	result, err := r.server.config.Executor.Exec(command.WithProgress(ctx, r.showProgress), parsed)
	if err != nil && ctx.Err() != nil {
		return nil, sessionError(pgcode.QueryCanceled, messageCanceled)
	}
	if err != nil {
		return nil, commandError(err)
	}
	return &commandAnswer{result: result}, nil
}

// showProgress sends a notice to the client while a command runs. The error of a broken connection
// is returned when the result is sent.
func (r *commandRunner) showProgress(n command.Notice) {
	if r.client.out.writeMessages(noticeResponse(n)) == nil {
		_ = r.client.out.flushBuffer()
	}
}

func (r *commandRunner) setStop(stop context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = stop
}

// cancel cancels the running command, and reports whether there was one.
func (r *commandRunner) cancel() bool {
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	if stop == nil {
		return false
	}
	stop()
	return true
}

// transactionError returns an error if a command can't run in the transaction's state.
func (r *commandRunner) transactionError(command lang.Command) *clientError {
	_, harmless := command.(deallocateCommand)
	switch state := r.db.transactionState(); {
	case harmless && state == txFailed:
		return sessionError(pgcode.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	case !harmless && state != txIdle:
		return refuseInTransaction(command)
	}
	return nil
}

// refuseInTransaction returns the error for a command inside a transaction block.
func refuseInTransaction(command lang.Command) *clientError {
	return &clientError{
		severity: severityError, code: pgcode.ActiveSQLTransaction, message: "commands of Metadb can't run inside a transaction block: " + command.String(),
		hint: "commit or roll back first, or turn autocommit on",
	}
}
