package wire

import "sync"

// Transaction states of ReadyForQuery.
const (
	txIdle   = 'I'
	txOpen   = 'T'
	txFailed = 'E'
)

// pendingReply is an answer that the database owes.
type pendingReply struct {
	// kind is the type of the message that is answered.
	kind byte
	// hidden says that the client did not send that message: of the answer
	// it is not shown an error (for Execute) or ReadyForQuery (for Query and
	// Sync).
	hidden bool
}

// endsWithReady reports whether the answer is ended by ReadyForQuery.
func (e pendingReply) endsWithReady() bool {
	return e.kind == msgQuery || e.kind == msgSync || e.kind == msgFunction
}

// endsCopy reports whether the message ends COPY data, if there are any. It has
// no answer of its own.
func (e pendingReply) endsCopy() bool { return e.kind == msgCopyDone || e.kind == msgCopyFail }

// pendingReplies holds the answers that the database owes, in order.
type pendingReplies struct {
	mu           sync.Mutex
	stateChanged *sync.Cond
	replies      []pendingReply
	// isSkipping says that the database skips extended messages up to the next
	// Sync, because one of them failed.
	isSkipping bool
	// hiddenFailed says that a hidden query failed.
	hiddenFailed bool
	// deallocatedAll says that the database has forgotten all prepared statements.
	deallocatedAll bool
	// copyIn says that the database waits for the client's COPY data.
	copyIn bool
	// closed says that no more answers come.
	closed bool
	tx     byte
}

func newPendingReplies(tx byte) *pendingReplies {
	q := &pendingReplies{tx: tx}
	q.stateChanged = sync.NewCond(&q.mu)
	return q
}

// addReply notes that a message goes to the database.
func (q *pendingReplies) addReply(e pendingReply) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.copyIn:
		q.copyIn = e.kind == msgSync
	case q.isSkipped() && !e.endsWithReady(), e.endsCopy() && len(q.replies) == 0:
	default:
		q.replies = append(q.replies, e)
	}
}

// enterCopy takes note that the database reads COPY data from the client. What
// was sent ahead is read as such: a Sync is ignored, CopyDone and CopyFail end
// it, and anything else ends it too, with an error, and gets no other answer.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
func (q *pendingReplies) enterCopy() {
	if len(q.replies) == 0 {
		return
	}
	for i, e := range q.replies[1:] {
		if e.kind != msgSync {
			q.replies = append(q.replies[:1:1], q.replies[i+2:]...)
			return
		}
	}
	q.replies = q.replies[:1]
	q.copyIn = true
}

// removeReplies forgets the first n answers, and the ends of COPY behind them: where
// there was no COPY, they mean nothing.
func (q *pendingReplies) removeReplies(n int) {
	for n < len(q.replies) && q.replies[n].endsCopy() {
		n++
	}
	q.replies = q.replies[n:]
}

// isSkipped reports whether the database ignores what is sent now.
func (q *pendingReplies) isSkipped() bool {
	if !q.isSkipping {
		return false
	}
	for _, e := range q.replies {
		if e.endsWithReady() {
			return false
		}
	}
	return true
}

// isForClient reports whether a message of the database is for the client.
func (q *pendingReplies) isForClient(kind byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.replies) == 0 {
		return true
	}
	first := q.replies[0]
	switch kind {
	case 'Z':
		return !first.hidden
	case 'E':
		return !first.hidden || first.kind != msgExecute
	case 'G':
		return !first.hidden
	}
	return true
}

// noteReply takes note of a message of the database, after the client has it. tx is
// the transaction's state if it is ReadyForQuery.
func (q *pendingReplies) noteReply(kind, tx byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.stateChanged.Broadcast()
	switch kind {
	case 'Z':
		q.tx, q.isSkipping = tx, false
		q.dropThroughEnd()
	case 'E':
		q.copyIn = false
		q.noteError()
	case 'G':
		q.enterCopy()
	default:
		if len(q.replies) > 0 && isLastReply(q.replies[0].kind, kind) {
			q.removeReplies(1)
		}
	}
}

// dropThroughEnd forgets what is answered by a ReadyForQuery.
func (q *pendingReplies) dropThroughEnd() {
	for i, e := range q.replies {
		if e.endsWithReady() {
			q.removeReplies(i + 1)
			return
		}
	}
}

// noteError takes note of an error: of an extended message, it cancels those that
// follow up to the next Sync.
func (q *pendingReplies) noteError() {
	if len(q.replies) == 0 {
		return
	}
	if q.replies[0].endsWithReady() {
		q.hiddenFailed = q.replies[0].hidden
		return
	}
	q.isSkipping = true
	for len(q.replies) > 0 && !q.replies[0].endsWithReady() {
		q.removeReplies(1)
	}
}

// isLastReply reports whether a message of the database is the last one of the
// answer to an extended message.
func isLastReply(asked, got byte) bool {
	switch asked {
	case msgParse:
		return got == '1'
	case msgBind:
		return got == '2'
	case msgClose:
		return got == '3'
	case msgDescribe:
		return got == 'T' || got == 'n'
	case msgExecute:
		return got == 'C' || got == 'I' || got == 's'
	}
	return false
}

// replyState is what [pendingReplies.awaitReplies] found.
type replyState uint8

const (
	// repliesDone: every answer is out.
	repliesDone replyState = iota
	// repliesFailed: the database skips what follows, up to a Sync.
	repliesFailed
	// repliesInCopy: the database waits for COPY data.
	repliesInCopy
	// repliesClosed: the connection to the database is gone.
	repliesClosed
)

// awaitReplies waits until the database owes nothing more, or can't go on.
func (q *pendingReplies) awaitReplies() replyState {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			return repliesClosed
		case q.isSkipped():
			return repliesFailed
		case len(q.replies) == 0:
			return repliesDone
		case q.copyIn:
			return repliesInCopy
		}
		q.stateChanged.Wait()
	}
}

// takeHiddenFailed reports whether a hidden query has failed since it was asked last.
func (q *pendingReplies) takeHiddenFailed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	erred := q.hiddenFailed
	q.hiddenFailed = false
	return erred
}

// transactionState returns the transaction's state as of the last ReadyForQuery.
func (q *pendingReplies) transactionState() byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tx
}

// closeReplies says that no more answers come.
func (q *pendingReplies) closeReplies() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.stateChanged.Broadcast()
}
