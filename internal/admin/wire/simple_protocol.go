package wire

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/lang"
)

// inspectBytes is the length up to which a query is searched for commands. A
// longer one is SQL. It is looked at in memory, with a record for each of its
// statements, which may be of one letter.
const inspectBytes = 1 << 20

// handleQuery deals with a message of the simple protocol.
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
	statements := s.claimDeallocates(query.String, s.queryDialect().Parse(query.String))
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

// relayQuery passes on a query that is too long to be searched.
func (s *session) relayQuery(ctx context.Context, h header) error {
	if err := s.connectDatabase(ctx); err != nil {
		return errors.Join(discardBody(s.r, h.length), s.failQuery(err))
	}
	s.up.addReply(pendingReply{kind: msgQuery})
	return s.up.forwardMessage(h, s.r)
}

// runStatements carries out a query string that has a command in it. As in PostgreSQL,
// nothing is done if a statement can't be understood, and what follows a
// statement that fails is not done.
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

// runNextPart carries out one command, or the SQL up to the next one. It returns how
// many statements that were, none if the database reported an error.
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

// runSQL has the database carry out a part of a query string. Blanks stand for
// what comes before it, so that positions in errors are those of the whole
// string.
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

// awaitAnswers waits until the client has every answer of the database. COPY FROM
// STDIN can't go on meanwhile and is refused.
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

// failTransaction makes the database take note of an error that it doesn't know
// of, so that the transaction is aborted. The error by which that is done is
// not shown. sync says that the database goes on after it.
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

// refuseInTransaction refuses a command inside a transaction block.
func refuseInTransaction(command lang.Command) *clientError {
	return &clientError{
		severity: severityError, code: codeActiveTx, message: "commands of Metadb can't run inside a transaction block: " + command.String(),
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
