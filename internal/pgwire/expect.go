package pgwire

import "sync"

// Transaction states of ReadyForQuery.
const (
	txIdle   = 'I'
	txOpen   = 'T'
	txFailed = 'E'
)

// expect is an answer that the database owes.
type expect struct {
	// kind is the type of the message that is answered.
	kind byte
	// hidden says that the client did not send that message: of the answer
	// it is not shown an error (for Execute) or ReadyForQuery (for Query and
	// Sync).
	hidden bool
}

// ends reports whether the answer is ended by ReadyForQuery.
func (e expect) ends() bool {
	return e.kind == msgQuery || e.kind == msgSync || e.kind == msgFunction
}

// endsCopy reports whether the message ends COPY data, if there are any. It has
// no answer of its own.
func (e expect) endsCopy() bool { return e.kind == msgCopyDone || e.kind == msgCopyFail }

// queue holds the answers that the database owes, in order.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	owed    []expect
	// failed says that the database skips extended messages up to the next
	// Sync, because one of them failed.
	failed bool
	// erred says that a hidden query failed.
	erred bool
	// dropped says that the database has forgotten all prepared statements.
	dropped bool
	// copyIn says that the database waits for the client's COPY data.
	copyIn bool
	// closed says that no more answers come.
	closed bool
	tx     byte
}

func newQueue(tx byte) *queue {
	q := &queue{tx: tx}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// add notes that a message goes to the database.
func (q *queue) add(e expect) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.copyIn:
		q.copyIn = e.kind == msgSync
	case q.skips() && !e.ends(), e.endsCopy() && len(q.owed) == 0:
	default:
		q.owed = append(q.owed, e)
	}
}

// enterCopy takes note that the database reads COPY data from the client. What
// was sent ahead is read as such: a Sync is ignored, CopyDone and CopyFail end
// it, and anything else ends it too, with an error, and gets no other answer.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
func (q *queue) enterCopy() {
	if len(q.owed) == 0 {
		return
	}
	for i, e := range q.owed[1:] {
		if e.kind != msgSync {
			q.owed = append(q.owed[:1:1], q.owed[i+2:]...)
			return
		}
	}
	q.owed = q.owed[:1]
	q.copyIn = true
}

// pop forgets the first n answers, and the ends of COPY behind them: where
// there was no COPY, they mean nothing.
func (q *queue) pop(n int) {
	for n < len(q.owed) && q.owed[n].endsCopy() {
		n++
	}
	q.owed = q.owed[n:]
}

// skips reports whether the database ignores what is sent now.
func (q *queue) skips() bool {
	if !q.failed {
		return false
	}
	for _, e := range q.owed {
		if e.ends() {
			return false
		}
	}
	return true
}

// shows reports whether a message of the database is for the client.
func (q *queue) shows(kind byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.owed) == 0 {
		return true
	}
	first := q.owed[0]
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

// saw takes note of a message of the database, after the client has it. tx is
// the transaction's state if it is ReadyForQuery.
func (q *queue) saw(kind, tx byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.changed.Broadcast()
	switch kind {
	case 'Z':
		q.tx, q.failed = tx, false
		q.dropThroughEnd()
	case 'E':
		q.copyIn = false
		q.fail()
	case 'G':
		q.enterCopy()
	default:
		if len(q.owed) > 0 && completes(q.owed[0].kind, kind) {
			q.pop(1)
		}
	}
}

// dropThroughEnd forgets what is answered by a ReadyForQuery.
func (q *queue) dropThroughEnd() {
	for i, e := range q.owed {
		if e.ends() {
			q.pop(i + 1)
			return
		}
	}
}

// fail takes note of an error: of an extended message, it cancels those that
// follow up to the next Sync.
func (q *queue) fail() {
	if len(q.owed) == 0 {
		return
	}
	if q.owed[0].ends() {
		q.erred = q.owed[0].hidden
		return
	}
	q.failed = true
	for len(q.owed) > 0 && !q.owed[0].ends() {
		q.pop(1)
	}
}

// completes reports whether a message of the database is the last one of the
// answer to an extended message.
func completes(asked, got byte) bool {
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

// settled is what [queue.settle] found.
type settled uint8

const (
	// settledDone: every answer is out.
	settledDone settled = iota
	// settledFailed: the database skips what follows, up to a Sync.
	settledFailed
	// settledCopy: the database waits for COPY data.
	settledCopy
	// settledClosed: the connection to the database is gone.
	settledClosed
)

// settle waits until the database owes nothing more, or can't go on.
func (q *queue) settle() settled {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.closed:
			return settledClosed
		case q.skips():
			return settledFailed
		case len(q.owed) == 0:
			return settledDone
		case q.copyIn:
			return settledCopy
		}
		q.changed.Wait()
	}
}

// takeErred reports whether a hidden query has failed since it was asked last.
func (q *queue) takeErred() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	erred := q.erred
	q.erred = false
	return erred
}

// state returns the transaction's state as of the last ReadyForQuery.
func (q *queue) state() byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tx
}

// close says that no more answers come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}
