package wire

import "sync"

// Transaction states of ReadyForQuery.
const (
	txIdle   = 'I'
	txOpen   = 'T'
	txFailed = 'E'
)

// pendingReply is an answer that the database has still to send.
type pendingReply struct {
	// kind is the type of the message to be answered.
	kind byte
	// hidden is true if the message is not the client's: the client does not get an error in answer
	// to Execute, nor ReadyForQuery in answer to Query and Sync.
	hidden bool
}

// endsWithReady reports whether the answer ends with ReadyForQuery.
func (e pendingReply) endsWithReady() bool {
	return e.kind == msgQuery || e.kind == msgSync || e.kind == msgFunction
}

// endsCopy reports whether the message ends COPY data. It has no answer of its own.
func (e pendingReply) endsCopy() bool { return e.kind == msgCopyDone || e.kind == msgCopyFail }

// pendingReplies is the queue of the answers that the database has still to send.
type pendingReplies struct {
	mu           sync.Mutex
	stateChanged *sync.Cond
	replies      []pendingReply
	// isSkipping is true if the database skips extended messages up to the next Sync, because one
	// of them failed.
	isSkipping bool
	// hiddenFailed is true if a hidden query failed.
	hiddenFailed bool
	// deallocatedAll is true if the database has deallocated all prepared statements since the last
	// takeDeallocatedAll.
	deallocatedAll bool
	// copyIn is true while the database reads COPY data from the client.
	copyIn bool
	// closed is true if no more answers come.
	closed bool
	tx     byte
}

func newPendingReplies(tx byte) *pendingReplies {
	q := &pendingReplies{tx: tx}
	q.stateChanged = sync.NewCond(&q.mu)
	return q
}

// addReply records that a message is sent to the database.
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

// enterCopy records that the database reads COPY data from the client. Messages that were sent
// ahead are read as COPY data: a Sync is ignored, CopyDone and CopyFail end the data, and any other
// message ends them with an error and has no other answer.
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

// removeReplies removes the first n answers, and the ends of COPY behind them, which the database
// ignores if there was no COPY.
func (q *pendingReplies) removeReplies(n int) {
	for n < len(q.replies) && q.replies[n].endsCopy() {
		n++
	}
	q.replies = q.replies[n:]
}

// isSkipped reports whether the database ignores messages that are sent now.
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

// isForClient reports whether a message of the database is to be sent to the client.
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

// noteReply updates the queue for a message of the database, after it was written for the client.
// tx is the transaction's state if the message is ReadyForQuery.
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

// dropThroughEnd removes the answers up to and including the first one that ends with
// ReadyForQuery.
func (q *pendingReplies) dropThroughEnd() {
	for i, e := range q.replies {
		if e.endsWithReady() {
			q.removeReplies(i + 1)
			return
		}
	}
}

// noteError updates the queue for an error: an error of an extended message cancels the following
// ones up to the next Sync.
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

// isLastReply reports whether a message of the database is the last one of the answer to an
// extended message.
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

// replyState is the result of [pendingReplies.awaitReplies].
type replyState uint8

const (
	// repliesDone: every answer has arrived.
	repliesDone replyState = iota
	// repliesFailed: the database skips messages up to the next Sync.
	repliesFailed
	// repliesInCopy: the database reads COPY data.
	repliesInCopy
	// repliesClosed: the connection to the database is closed.
	repliesClosed
)

// awaitReplies waits until the queue is empty, or no answer can come without further messages.
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

// takeHiddenFailed reports whether a hidden query has failed since the last call.
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

// closeReplies records that no more answers come.
func (q *pendingReplies) closeReplies() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.stateChanged.Broadcast()
}
