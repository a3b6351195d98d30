package wire

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/lang"
	"metadb/internal/target/pgcode"
)

// inspectBytes is the length up to which a query is searched for commands. A longer one is treated
// as SQL. The search needs the query in memory, with a record for each statement, which may be one
// letter.
const inspectBytes = 1 << 20

// handleQuery handles a message of the simple protocol.
func (s *session) handleQuery(ctx context.Context, h header) error {
	if s.skipping {
		return discardBody(s.r, h.length)
	}
	if h.length > inspectBytes {
		return s.relayQuery(ctx, h)
	}
	body, err := readBody(s.r, h.length)
	if err != nil {
		return err
	}
	var query pgproto3.Query
	if err := query.Decode(body); err != nil {
		return &protocolError{"invalid Query message"}
	}
	statements := s.claimDeallocates(query.String, s.server.Executor.Parse(s.queryDialect(), query.String))
	switch {
	case len(statements) == 0:
		if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
			return err
		}
		return s.out.writeMessages(&pgproto3.EmptyQueryResponse{}, &pgproto3.ReadyForQuery{TxStatus: s.transactionState()})
	case isOnlySQL(statements):
		if err := s.connectDatabase(ctx); err != nil {
			return s.failQuery(err)
		}
		s.up.addReply(pendingReply{kind: msgQuery})
		return s.up.writeMessage(h, body)
	}
	return s.runStatements(ctx, query.String, statements)
}

// relayQuery sends a query to the database that is too long to be searched.
func (s *session) relayQuery(ctx context.Context, h header) error {
	if err := s.connectDatabase(ctx); err != nil {
		return errors.Join(discardBody(s.r, h.length), s.failQuery(err))
	}
	s.up.addReply(pendingReply{kind: msgQuery})
	return s.up.forwardMessage(h, s.r)
}

// runStatements executes a query string with a command in it. As in PostgreSQL, nothing is executed
// if a statement can't be parsed, and the statements after a failed one are not executed.
func (s *session) runStatements(ctx context.Context, query string, statements []lang.Statement) error {
	if ok, err := s.awaitEarlierReplies(); err != nil || !ok {
		return err
	}
	for _, statement := range statements {
		if statement.Err != nil {
			return s.abortQuery(commandError(statement.Err))
		}
	}
	for len(statements) > 0 {
		n, err := s.runNextPart(ctx, query, statements)
		var told *clientError
		if errors.As(err, &told) {
			return s.abortQuery(told)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		statements = statements[n:]
	}
	return s.out.writeMessages(&pgproto3.ReadyForQuery{TxStatus: s.transactionState()})
}

// runNextPart executes one command, or the SQL up to the next command. It returns the number of
// statements executed, 0 if the database reported an error.
func (s *session) runNextPart(ctx context.Context, query string, statements []lang.Statement) (int, error) {
	if statements[0].IsSQL() {
		n := 1
		for n < len(statements) && statements[n].IsSQL() {
			n++
		}
		ok, err := s.runSQL(ctx, query, statements[0].Start, statements[n-1].End)
		if err != nil || !ok {
			return 0, err
		}
		return n, nil
	}
	if err := s.transactionError(statements[0].Command); err != nil {
		return 0, err
	}
	a, err := s.execCommand(ctx, statements[0].Command)
	if err != nil {
		return 0, err
	}
	return 1, a.sendAll(s.out)
}

// runSQL executes a part of a query string in the database. Spaces replace the text before it, so
// that positions in errors are those in the whole string.
func (s *session) runSQL(ctx context.Context, query string, start, end int) (bool, error) {
	if err := s.connectDatabase(ctx); err != nil {
		return false, err
	}
	s.up.addReply(pendingReply{kind: msgQuery, hidden: true})
	text := strings.Repeat(" ", utf8.RuneCountInString(query[:start])) + query[start:end]
	if err := s.up.sendMessage(&pgproto3.Query{String: text}); err != nil {
		return false, errGone
	}
	if s.awaitAnswers() == repliesClosed {
		return false, errGone
	}
	return !s.up.takeHiddenFailed(), nil
}

// abortQuery answers a query with an error, which ends an open transaction too.
func (s *session) abortQuery(err *clientError) error {
	if s.transactionState() == txOpen {
		if err := s.failTransaction(true); err != nil {
			return err
		}
	}
	return s.failQuery(err)
}

// awaitAnswers waits until the database has sent every answer. COPY FROM STDIN can't continue
// meanwhile and is refused.
func (s *session) awaitAnswers() replyState {
	if s.up == nil {
		return repliesDone
	}
	for {
		if s.up.sendMessage(&pgproto3.Flush{}) != nil || s.up.w.Flush() != nil {
			return repliesClosed
		}
		outcome := s.up.awaitReplies()
		if s.up.takeDeallocatedAll() {
			s.deallocateNamed()
		}
		if outcome != repliesInCopy {
			return outcome
		}
		refusal := &pgproto3.CopyFail{Message: "COPY FROM STDIN can't be in one query string with a command of Metadb"}
		s.up.addReply(pendingReply{kind: msgCopyFail})
		if s.up.sendMessage(refusal) != nil {
			return repliesClosed
		}
	}
}

// failTransaction aborts the database's transaction after an error that occurred here. The error
// that does so is hidden from the client. If sync is true, a Sync follows, so that the database
// continues.
func (s *session) failTransaction(sync bool) error {
	s.up.addReply(pendingReply{kind: msgExecute, hidden: true})
	if err := s.up.sendMessage(&pgproto3.Execute{Portal: "metadb: failed before"}); err != nil {
		return errGone
	}
	if sync {
		s.up.addReply(pendingReply{kind: msgSync, hidden: true})
		if err := s.up.sendMessage(&pgproto3.Sync{}); err != nil {
			return errGone
		}
	}
	if s.awaitAnswers() == repliesClosed {
		return errGone
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

func isOnlySQL(statements []lang.Statement) bool {
	for i := range statements {
		if !statements[i].IsSQL() {
			return false
		}
	}
	return true
}
