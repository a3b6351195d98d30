package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/command"
	"metadb/internal/target/pgcode"
)

// backend is a session's side of the database: the connection, which is opened when it is needed,
// what the database reports, and the wait for its answers.
type backend struct {
	server *Server
	client *client
	role   Role
	// prepared are the prepared commands, which DEALLOCATE ALL in the database ends too.
	prepared *preparedCommands
	// parameters contains the client's startup parameters that are for the database.
	parameters map[string]string
	// reported contains the database's parameters as they were sent to the client.
	reported map[string]string

	// mu guards the fields that other goroutines use, for cancel and terminate.
	mu sync.Mutex
	// up is the connection to the database, nil until it is needed. Only the main goroutine sets
	// it.
	up *databaseConn
	// terminated is true if the server is closing.
	terminated bool
}

// connectDatabase opens the session's connection to the database, unless it is open.
func (b *backend) connectDatabase(ctx context.Context) *clientError {
	if b.up != nil {
		return nil
	}
	up, err := dialDatabase(ctx, b.server.config.Upstream, b.role, b.parameters)
	if err != nil {
		return connectError(err)
	}
	if b.reported != nil {
		// The reported parameters are those of another connection or, if the database was
		// unreachable, defaults.
		if err := b.client.out.writeMessages(b.parameterMessages(up.raw.ParameterStatuses)...); err != nil {
			b.server.config.Logger.Debug(fmt.Sprintf("report parameters: %v", err))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = up
	b.server.working.Go(func() { b.relayAnswers() })
	return nil
}

// connection returns the connection to the database, nil if there is none, for other goroutines than
// the main one.
func (b *backend) connection() *databaseConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up
}

// markTerminated records that the server is closing, and returns the connection.
func (b *backend) markTerminated() *databaseConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.terminated = true
	return b.up
}

// relayAnswers copies the database's messages to the client, and ends the session when the database
// ends the connection.
func (b *backend) relayAnswers() {
	if b.up.relayAnswers(b.client.out) {
		b.mu.Lock()
		terminated := b.terminated
		b.mu.Unlock()
		if !terminated {
			b.client.sendLast(fatalError(pgcode.ConnectionFailure, "the connection to the database was lost"))
		}
	} else if b.client.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) == nil {
		_ = b.client.out.flushBuffer()
	}
	_ = b.client.conn.Close()
}

// connectError returns the error for the client when the database is unreachable. Of the
// configuration it contains only the address.
func connectError(err error) *clientError {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &clientError{severity: severityError, code: pg.Code, message: pg.Message, detail: pg.Detail, hint: pg.Hint}
	}
	e := command.AsError(err)
	return &clientError{severity: severityError, code: pgcode.ConnectionFailure, message: messageConnectError, detail: e.Message, hint: e.Hint}
}

// disconnect closes the session's connection to the database.
func (b *backend) disconnect() {
	if b.up != nil {
		b.up.closeConn()
	}
}

// flushBuffer sends the buffered messages to the database. The pump handles a broken connection.
func (b *backend) flushBuffer() {
	if b.up != nil {
		_ = b.up.w.Flush()
	}
}

// transactionState returns the state of the transaction.
func (b *backend) transactionState() byte {
	if b.up == nil {
		return txIdle
	}
	return b.up.replies.transactionState()
}

// awaitAnswers waits until the database has sent every answer. COPY FROM STDIN can't continue
// meanwhile and is refused.
func (b *backend) awaitAnswers() replyState {
	if b.up == nil {
		return repliesDone
	}
	for {
		if b.up.sendMessage(&pgproto3.Flush{}) != nil || b.up.w.Flush() != nil {
			return repliesClosed
		}
		outcome := b.up.replies.awaitReplies()
		if b.up.replies.takeDeallocatedAll() {
			b.prepared.deallocateNamed()
		}
		if outcome != repliesInCopy {
			return outcome
		}
		refusal := &pgproto3.CopyFail{Message: "COPY FROM STDIN can't be in one query string with a command of Metadb"}
		b.up.replies.addReply(pendingReply{kind: msgCopyFail})
		if b.up.sendMessage(refusal) != nil {
			return repliesClosed
		}
	}
}

// failTransaction aborts the database's transaction after an error that occurred here. The error
// that does so is hidden from the client. If sync is true, a Sync follows, so that the database
// continues.
func (b *backend) failTransaction(sync bool) error {
	b.up.replies.addReply(pendingReply{kind: msgExecute, hidden: true})
	if err := b.up.sendMessage(&pgproto3.Execute{Portal: "metadb: failed before"}); err != nil {
		return errGone
	}
	if sync {
		b.up.replies.addReply(pendingReply{kind: msgSync, hidden: true})
		if err := b.up.sendMessage(&pgproto3.Sync{}); err != nil {
			return errGone
		}
	}
	if b.awaitAnswers() == repliesClosed {
		return errGone
	}
	return nil
}

// awaitEarlierReplies waits until the database has answered the earlier messages. It returns false
// if one of them failed, so that this message is to be ignored.
func (b *backend) awaitEarlierReplies() (bool, error) {
	switch b.awaitAnswers() {
	case repliesClosed:
		return false, errGone
	case repliesFailed:
		return false, nil
	}
	return true, nil
}
