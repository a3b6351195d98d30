package change

// Transaction is a transaction of the source with changes in a partition.
type Transaction struct {
	// ID is its source.txId, Time the time of its commit, and LSN the highest source.lsn
	// of its changes so far.
	ID   int64
	Time Micros
	LSN  uint64
}

// The progress keeps at least minTransactions; when there are twice as many, the older ones are
// dropped together. It keeps all of the latest millisecond, up to maxTransactions: more can't
// be committed in one.
const (
	minTransactions = 128
	maxTransactions = 4096
)

// judgeTransaction decides whether a change without a commit's lsn repeats an earlier one of
// the partition, by its transaction: a connector sends one transaction after the other, and
// the changes of each in the order of their lsn. It returns false if it can't decide.
func (m *PartitionProgress) judgeTransaction(e *Event) (Verdict, bool) {
	if e.Tx == 0 || m.HighCommit != 0 {
		return New, false
	}
	last := len(m.Transactions) - 1
	for i := last; i >= 0; i-- {
		seen := &m.Transactions[i]
		if !seen.includes(e) {
			continue
		}
		switch {
		case e.LSN > seen.LSN || e.LSN == seen.LSN && i == last:
			return New, true // the rows of the last position are among the recent changes
		case e.LSN == seen.LSN && e.Partitions > 1:
			return PossiblyRepeated, true // keys that moved here may have come in between
		}
		return Repeated, true
	}
	return New, e.isLater(m.ForgottenTx)
}

// includes reports whether a change belongs to the transaction. Times are not compared for a
// change with the time of its record in Kafka, which differs within one transaction.
func (t *Transaction) includes(e *Event) bool {
	return t.ID == e.Tx && (t.Time == e.Time || e.ClaimedTime != 0)
}

// advanceTransaction adds the transaction of a change. It must be called before the positions
// advance.
func (m *PartitionProgress) advanceTransaction(e *Event) {
	switch last := len(m.Transactions) - 1; {
	case e.Commit > 0:
		m.Transactions = nil // source.sequence decides
	case m.HighCommit > 0:
		m.Transactions, m.ForgottenTx = nil, max(m.ForgottenTx, m.HighTime)
		fallthrough
	case last < 0 || !m.Transactions[last].includes(e):
		if e.Tx == 0 {
			return
		}
		m.Transactions = append(m.Transactions, Transaction{ID: e.Tx, Time: e.Time, LSN: e.LSN})
		m.dropTransactions()
	default:
		m.Transactions[last].LSN = max(m.Transactions[last].LSN, e.LSN)
	}
}

// dropTransactions drops the oldest transactions if there are too many.
func (m *PartitionProgress) dropTransactions() {
	const millisecond Micros = 1000
	n := len(m.Transactions)
	surplus := n - minTransactions
	if surplus < minTransactions {
		return
	}
	latest := m.Transactions[n-1].Time - millisecond
	for surplus > 0 && m.Transactions[surplus-1].Time >= latest && n-surplus < maxTransactions {
		surplus--
	}
	for _, t := range m.Transactions[:surplus] {
		m.ForgottenTx = max(m.ForgottenTx, t.Time)
	}
	m.Transactions = append(m.Transactions[:0], m.Transactions[surplus:]...)
}
