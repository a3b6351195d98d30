package wire

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/lang"
)

// inspectBytes is the length up to which a query is searched for commands. A longer one is treated
// as SQL. The search needs the query in memory, with a record for each statement, which may be one
// letter.
const inspectBytes = 1 << 20

// simpleProtocol is a session's side of the simple query protocol, and of function calls.
type simpleProtocol struct {
	client   *client
	db       *backend
	commands *commandRunner
}

// handleQuery handles a message of the simple protocol.
func (q *simpleProtocol) handleQuery(ctx context.Context, h header) error {
	if h.length > inspectBytes {
		return q.relayQuery(ctx, h)
	}
	body, err := readBody(q.client.r, h.length)
	if err != nil {
		return err
	}
	var query pgproto3.Query
	if err := query.Decode(body); err != nil {
		return &protocolError{"invalid Query message"}
	}
	statements := q.commands.parseQuery(query.String)
	switch {
	case len(statements) == 0:
		if ok, err := q.db.awaitEarlierReplies(); err != nil || !ok {
			return err
		}
		return q.client.out.writeMessages(&pgproto3.EmptyQueryResponse{}, &pgproto3.ReadyForQuery{TxStatus: q.db.transactionState()})
	case isOnlySQL(statements):
		if err := q.db.connectDatabase(ctx); err != nil {
			return q.failQuery(err)
		}
		q.db.up.replies.addReply(pendingReply{kind: msgQuery})
		return q.db.up.writeMessage(h, body)
	}
	return q.runStatements(ctx, query.String, statements)
}

// relayQuery sends a query to the database that is too long to be searched.
func (q *simpleProtocol) relayQuery(ctx context.Context, h header) error {
	if err := q.db.connectDatabase(ctx); err != nil {
		return errors.Join(discardBody(q.client.r, h.length), q.failQuery(err))
	}
	q.db.up.replies.addReply(pendingReply{kind: msgQuery})
	return q.db.up.forwardMessage(h, q.client.r)
}

// runStatements executes a query string with a command in it. As in PostgreSQL, nothing is executed
// if a statement can't be parsed, and the statements after a failed one are not executed.
func (q *simpleProtocol) runStatements(ctx context.Context, query string, statements []lang.Statement) error {
	if ok, err := q.db.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	for _, statement := range statements {
		if statement.Err != nil {
			return q.abortQuery(commandError(statement.Err))
		}
	}
	for len(statements) > 0 {
		n, err := q.runNextPart(ctx, query, statements)
		var told *clientError
		if errors.As(err, &told) {
			return q.abortQuery(told)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		statements = statements[n:]
	}
	return q.client.out.writeMessages(&pgproto3.ReadyForQuery{TxStatus: q.db.transactionState()})
}

// runNextPart executes one command, or the SQL up to the next command. It returns the number of
// statements executed, 0 if the database reported an error.
func (q *simpleProtocol) runNextPart(ctx context.Context, query string, statements []lang.Statement) (int, error) {
	if statements[0].IsSQL() {
		n := 1
		for n < len(statements) && statements[n].IsSQL() {
			n++
		}
		ok, err := q.runSQL(ctx, query, statements[0].Start, statements[n-1].End)
		if err != nil || !ok {
			return 0, err
		}
		return n, nil
	}
	if err := q.commands.transactionError(statements[0].Command); err != nil {
		return 0, err
	}
	a, err := q.commands.execCommand(ctx, statements[0].Command)
	if err != nil {
		return 0, err
	}
	return 1, a.sendAll(q.client.out)
}

// runSQL executes a part of a query string in the database. Spaces replace the text before it, so
// that positions in errors are those in the whole string.
func (q *simpleProtocol) runSQL(ctx context.Context, query string, start, end int) (bool, error) {
	if err := q.db.connectDatabase(ctx); err != nil {
		return false, err
	}
	q.db.up.replies.addReply(pendingReply{kind: msgQuery, hidden: true})
	text := strings.Repeat(" ", utf8.RuneCountInString(query[:start])) + query[start:end]
	if err := q.db.up.sendMessage(&pgproto3.Query{String: text}); err != nil {
		return false, errGone
	}
	if q.db.awaitAnswers() == repliesClosed {
		return false, errGone
	}
	return !q.db.up.replies.takeHiddenFailed(), nil
}

// abortQuery answers a query with an error, which ends an open transaction too.
func (q *simpleProtocol) abortQuery(err *clientError) error {
	if q.db.transactionState() == txOpen {
		if err := q.db.failTransaction(true); err != nil {
			return err
		}
	}
	return q.failQuery(err)
}

func isOnlySQL(statements []lang.Statement) bool {
	for i := range statements {
		if !statements[i].IsSQL() {
			return false
		}
	}
	return true
}

// handleFunction sends a function call to the database.
func (q *simpleProtocol) handleFunction(ctx context.Context, h header) error {
	if err := q.db.connectDatabase(ctx); err != nil {
		return errors.Join(discardBody(q.client.r, h.length), q.failQuery(err))
	}
	q.db.up.replies.addReply(pendingReply{kind: msgFunction})
	return q.db.up.forwardMessage(h, q.client.r)
}

// failQuery answers a message of the simple protocol with an error.
func (q *simpleProtocol) failQuery(err *clientError) error {
	return q.client.out.writeMessages(err.errorResponse(), &pgproto3.ReadyForQuery{TxStatus: q.db.transactionState()})
}
