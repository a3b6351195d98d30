package demo

import (
	"fmt"
	"time"

	"metadb/internal/eventgen"
)

// Snapshot returns a record for each row, with Debezium's marks on the first and
// the last.
func (l *Library) Snapshot(now time.Time) ([]eventgen.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lsn += 8
	var changes []pending
	for _, t := range l.tables() {
		for _, key := range t.keys {
			changes = append(changes, pending{t, eventgen.Change{Op: 'r', Row: t.rows[key], Snapshot: "true"}})
		}
	}
	changes[0].Snapshot = "first"
	changes[len(changes)-1].Snapshot = "last"
	return l.records(now, changes)
}

// pending is a change without a time and lsn.
type pending struct {
	table *table
	eventgen.Change
}

// records makes the records of one transaction's changes.
func (l *Library) records(now time.Time, changes []pending) ([]eventgen.Record, error) {
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
		return l.records(now, l.borrow(now))
	case n < 60:
		return l.records(now, l.giveBack(now))
	case n < 85:
		return l.records(now, l.charge())
	case n < 95:
		patron := l.newPatron(now)
		l.patrons.put(patron)
		return l.records(now, []pending{{l.patrons, eventgen.Change{Op: 'c', Row: patron}}})
	default:
		gone := l.patrons.remove(l.random.IntN(len(l.patrons.keys)))
		return l.records(now, []pending{{l.patrons, eventgen.Change{Op: 'd', Row: gone}}})
	}
}

func (l *Library) borrow(now time.Time) []pending {
	loan := l.newLoan(now)
	item := l.items.rows[fmt.Sprint(loan[2])]
	l.loans.put(loan)
	return []pending{{l.loans, eventgen.Change{Op: 'c', Row: loan}}, l.set(l.items, item, 4, "checked out")}
}

func (l *Library) giveBack(now time.Time) []pending {
	loan := l.loans.row(l.random)
	item := l.items.rows[fmt.Sprint(loan[2])]
	return []pending{
		l.set(l.loans, loan, 4, now.UTC().Truncate(time.Microsecond)),
		l.set(l.items, item, 4, "available"),
	}
}

func (l *Library) charge() []pending {
	// A few regular patrons give the demo a history to show.
	patron := l.patrons.rows[l.patrons.keys[l.random.IntN(min(50, len(l.patrons.keys)))]]
	amount := fmt.Sprintf("%d.%02d", l.random.IntN(20)-10, l.random.IntN(100))
	return []pending{l.set(l.patrons, patron, 4, amount)}
}

// set changes one column of a row.
func (l *Library) set(t *table, row []any, column int, value any) pending { //nolint:unparam // each table has columns of its own
	changed := append([]any(nil), row...)
	changed[column] = value
	t.put(changed)
	return pending{t, eventgen.Change{Op: 'u', Row: changed}}
}
