package demo

import (
	"fmt"
	"time"

	"metadb/internal/testkit/eventgen"
)

// Snapshot returns a record for each row, with Debezium's marks on the first and
// the last.
func (l *Library) Snapshot(now time.Time) ([]eventgen.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lsn += 8
	var changes []tableChange
	for _, t := range l.orderedTables() {
		for _, key := range t.keys {
			changes = append(changes, tableChange{t, eventgen.Change{Op: 'r', Row: t.rows[key], Snapshot: "true"}})
		}
	}
	changes[0].Snapshot = "first"
	changes[len(changes)-1].Snapshot = "last"
	return l.makeRecords(now, changes)
}

// tableChange is a change without a time and lsn.
type tableChange struct {
	table *libraryTable
	eventgen.Change
}

// makeRecords makes the records of one transaction's changes.
func (l *Library) makeRecords(now time.Time, changes []tableChange) ([]eventgen.Record, error) {
	var records []eventgen.Record
	for _, c := range changes {
		c.Time, c.LSN, c.TxID = now, l.lsn, int64(l.lsn>>3)
		record, err := c.table.encoder.Encode(c.Change)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
		if c.Op != 'd' {
			continue
		}
		if record, err = c.table.encoder.Tombstone(c.Change); err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// Step is one transaction at the library's desk: a patron borrows or returns an item, pays or owes
// a fee, joins or leaves. It returns the transaction's records; a caller that drops them loses the
// change for the stream.
func (l *Library) Step(now time.Time) ([]eventgen.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lsn += 8
	switch n := l.random.IntN(100); {
	case n < 35:
		return l.makeRecords(now, l.borrowItem(now))
	case n < 60:
		return l.makeRecords(now, l.returnItem(now))
	case n < 85:
		return l.makeRecords(now, l.chargeFee())
	case n < 95:
		patron := l.newPatron(now)
		l.patrons.putRow(patron)
		return l.makeRecords(now, []tableChange{{l.patrons, eventgen.Change{Op: 'c', Row: patron}}})
	default:
		gone := l.patrons.removeRow(l.random.IntN(len(l.patrons.keys)))
		return l.makeRecords(now, []tableChange{{l.patrons, eventgen.Change{Op: 'd', Row: gone}}})
	}
}

func (l *Library) borrowItem(now time.Time) []tableChange {
	loan := l.newLoan(now)
	item := l.items.rows[fmt.Sprint(loan[2])]
	l.loans.putRow(loan)
	return []tableChange{{l.loans, eventgen.Change{Op: 'c', Row: loan}}, l.setColumn(l.items, item, 4, "checked out")}
}

func (l *Library) returnItem(now time.Time) []tableChange {
	loan := l.loans.randomRow(l.random)
	item := l.items.rows[fmt.Sprint(loan[2])]
	return []tableChange{
		l.setColumn(l.loans, loan, 4, now.UTC().Truncate(time.Microsecond)),
		l.setColumn(l.items, item, 4, "available"),
	}
}

func (l *Library) chargeFee() []tableChange {
	// A few regular patrons give the demo a history to show.
	patron := l.patrons.rows[l.patrons.keys[l.random.IntN(min(50, len(l.patrons.keys)))]]
	amount := fmt.Sprintf("%d.%02d", l.random.IntN(20)-10, l.random.IntN(100))
	return []tableChange{l.setColumn(l.patrons, patron, 4, amount)}
}

// setColumn changes one column of a row.
func (l *Library) setColumn(t *libraryTable, row []any, column int, value any) tableChange { //nolint:unparam // each table has columns of its own
	changed := append([]any(nil), row...)
	changed[column] = value
	t.putRow(changed)
	return tableChange{t, eventgen.Change{Op: 'u', Row: changed}}
}
