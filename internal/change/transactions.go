package change

// Transaction is one whose changes a partition has shown.
type Transaction struct {
	// ID is its source.txId, Time that of its commit, and LSN the highest source.lsn that
	// it has shown.
	ID   int64
	Time Micros
	LSN  uint64
}

// How many transactions a mark remembers, which are as many more at most before it forgets
// those. It keeps all of the latest millisecond, up to mostTransactions: more can't be
// committed in one.
const (
	keptTransactions = 128
	mostTransactions = 4096
)

// judgeTransaction says whether a change without a commit's lsn has been in the partition
// before. It tells by the change's transaction: a connector sends one transaction after the
// other, and the changes of each in the order of their lsn. false is that it is not known.
func (m *Mark) judgeTransaction(e *Event) (Verdict, bool) {
	if e.Tx == 0 || m.HighCommit != 0 {
		return New, false
	}
	last := len(m.Transactions) - 1
	for i := last; i >= 0; i-- {
		seen := &m.Transactions[i]
		if !seen.has(e) {
			continue
		}
		switch {
		case e.LSN > seen.LSN || e.LSN == seen.LSN && i == last:
			return New, true // the rows of the last position are among the recent changes
		case e.LSN == seen.LSN && e.Partitions > 1:
			return Doubtful, true // keys that moved here may have come in between
		}
		return Repeated, true
	}
	return New, e.isLater(m.ForgottenTx)
}

// has reports whether a change is one of the transaction's. Where the source's time could not be taken
// the records of one transaction have different times.
func (t *Transaction) has(e *Event) bool {
	return t.ID == e.Tx && (t.Time == e.Time || e.Claimed != 0)
}

// raiseTransaction takes note of the transaction of a change. It comes before the mark is
// raised.
func (m *Mark) raiseTransaction(e *Event) {
	switch last := len(m.Transactions) - 1; {
	case e.Commit > 0:
		m.Transactions = nil // source.sequence tells
	case m.HighCommit > 0:
		m.Transactions, m.ForgottenTx = nil, max(m.ForgottenTx, m.HighTime)
		fallthrough
	case last < 0 || !m.Transactions[last].has(e):
		if e.Tx == 0 {
			return
		}
		m.Transactions = append(m.Transactions, Transaction{ID: e.Tx, Time: e.Time, LSN: e.LSN})
		m.forgetTransactions()
	default:
		m.Transactions[last].LSN = max(m.Transactions[last].LSN, e.LSN)
	}
}

// forgetTransactions forgets the oldest transactions where there are many.
func (m *Mark) forgetTransactions() {
	const millisecond Micros = 1000
	n := len(m.Transactions)
	surplus := n - keptTransactions
	if surplus < keptTransactions {
		return
	}
	latest := m.Transactions[n-1].Time - millisecond
	for surplus > 0 && m.Transactions[surplus-1].Time >= latest && n-surplus < mostTransactions {
		surplus--
	}
	for _, t := range m.Transactions[:surplus] {
		m.ForgottenTx = max(m.ForgottenTx, t.Time)
	}
	m.Transactions = append(m.Transactions[:0], m.Transactions[surplus:]...)
}
