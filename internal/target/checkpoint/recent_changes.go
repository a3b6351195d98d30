package checkpoint

import (
	"encoding/binary"

	"metadb/internal/change"
)

// recentChangeBytes is the size, in bytes, of a change.RecentChange in
// metadb.stream_position.recent: lsn, key, time, and whether it was new.
const recentChangeBytes = 3*8 + 1

// appendRecentChanges appends recent changes in their stored form. The result is never nil.
func appendRecentChanges(dst []byte, recent []change.RecentChange) []byte {
	if dst == nil {
		dst = make([]byte, 0, len(recent)*recentChangeBytes)
	}
	for _, s := range recent {
		dst = binary.BigEndian.AppendUint64(dst, s.LSN)
		dst = binary.BigEndian.AppendUint64(dst, s.Key)
		dst = binary.BigEndian.AppendUint64(dst, uint64(s.Time))
		dst = append(dst, map[bool]byte{true: 1}[s.New])
	}
	return dst
}

// readRecentChanges is the reverse of appendRecentChanges.
func readRecentChanges(stored []byte) []change.RecentChange {
	if len(stored) < recentChangeBytes {
		return nil
	}
	recent := make([]change.RecentChange, 0, len(stored)/recentChangeBytes)
	for ; len(stored) >= recentChangeBytes; stored = stored[recentChangeBytes:] {
		recent = append(recent, change.RecentChange{
			LSN: binary.BigEndian.Uint64(stored), Key: binary.BigEndian.Uint64(stored[8:]),
			Time: change.Micros(binary.BigEndian.Uint64(stored[16:])), New: stored[24] == 1,
		})
	}
	return recent
}

// transactionBytes is the size, in bytes, of a change.Transaction in
// metadb.stream_position.transactions: id, time and lsn.
const transactionBytes = 3 * 8

// appendTransactions appends transactions in their stored form. The result is never nil.
func appendTransactions(dst []byte, transactions []change.Transaction) []byte {
	if dst == nil {
		dst = make([]byte, 0, len(transactions)*transactionBytes)
	}
	for _, t := range transactions {
		dst = binary.BigEndian.AppendUint64(dst, uint64(t.ID))
		dst = binary.BigEndian.AppendUint64(dst, uint64(t.Time))
		dst = binary.BigEndian.AppendUint64(dst, t.LSN)
	}
	return dst
}

// readTransactions is the reverse of appendTransactions.
func readTransactions(stored []byte) []change.Transaction {
	if len(stored) < transactionBytes {
		return nil
	}
	transactions := make([]change.Transaction, 0, len(stored)/transactionBytes)
	for ; len(stored) >= transactionBytes; stored = stored[transactionBytes:] {
		transactions = append(transactions, change.Transaction{
			ID: int64(binary.BigEndian.Uint64(stored)), Time: change.Micros(binary.BigEndian.Uint64(stored[8:])), LSN: binary.BigEndian.Uint64(stored[16:]),
		})
	}
	return transactions
}
