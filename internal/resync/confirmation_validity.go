package resync

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// confirmationValidity says which of the confirmations that are kept count. What an attempt of the
// snapshot has confirmed that the connector gave up does not: package history stores from
// which transaction on confirmations do.
type confirmationValidity struct {
	// keepsConfirmed says that the ids of confirmed rows are kept: always, but in an initial
	// synchronization where every row that is there is one of the source's.
	keepsConfirmed bool
	// countSince is that transaction, empty where all confirmations count.
	countSince string
	// fromDump says that the database was restored from a dump since then, so that it does
	// not say which transaction has confirmed a row.
	fromDump bool
	// floors are, in an initial synchronization, the highest ids of the rows that were
	// there when ids of confirmed rows began to be kept: they are confirmed.
	floors map[change.Table]int64
	// attempts is what is known of the attempts of the snapshot.
	attempts change.Attempts
}

// loadValidity reads which confirmations of the target count.
func (s *syncState) loadValidity(ctx context.Context, db Querier) error {
	rows, err := db.Query(ctx, `
SELECT c.since::text, c.xmin::text <> c.since::xid::text FROM metadb.confirmed_since c
 WHERE `+isTargetSQL+" ORDER BY c.since DESC LIMIT 1", s.keyArgs()...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&s.countSince, &s.fromDump}, func() error { return nil })
	}
	if err != nil {
		return fmt.Errorf("read from when on confirmations count: %w", err)
	}
	rows, err = db.Query(ctx, "SELECT schema_name, table_name, id FROM metadb.confirmed_floor WHERE source_name = $1", s.Source)
	var table change.Table
	var id int64
	if err == nil {
		s.floors = make(map[change.Table]int64)
		_, err = pgx.ForEachRow(rows, []any{&table.Schema, &table.Name, &id}, func() error { s.floors[table] = id; return nil })
	}
	if err != nil {
		return fmt.Errorf("read which rows are confirmed: %w", err)
	}
	s.attempts, err = s.loadAttempts(ctx, db)
	return err
}

// loadAttempts reads what is known of the attempts of the target's snapshot.
func (s *syncState) loadAttempts(ctx context.Context, db Querier) (change.Attempts, error) {
	scope, err := LoadScope(ctx, db, s.Source)
	if err != nil {
		return change.Attempts{}, err
	}
	return scope.snapshots[s.Target].Attempts, nil
}

// ErrSnapshotRestarted says that the connector has begun its snapshot anew while endsync was at
// work: what the attempt before has confirmed does not count any more.
var ErrSnapshotRestarted = errors.New("the connector has begun its snapshot anew meanwhile: run \"endsync\" again when it is complete")

// checkSameAttempt returns an error if another attempt of the snapshot has begun since the
// state was read.
func (s *syncState) checkSameAttempt(ctx context.Context, db Querier) error {
	attempts, err := s.loadAttempts(ctx, db)
	if err == nil && (!attempts.Current.IsSame(s.attempts.Current) || attempts.Ambiguous != s.attempts.Ambiguous) {
		return ErrSnapshotRestarted
	}
	return err
}

// isUnconfirmedSQL is the condition that a row c of a table has not been seen by the
// synchronization.
func (c *confirmationValidity) isUnconfirmedSQL(t *catalog.Table) string {
	id := ident.ID.SQL()
	sql := "NOT EXISTS (SELECT FROM " + t.Sync.SQL() + " s WHERE s." + id + " = c." + id
	if c.countSince != "" {
		sql += " AND age(s.xmin) <= age('" + c.countSince + "'::xid8::xid)"
	}
	if sql += ")"; c.floors[t.Name] > 0 {
		sql = "c." + id + " > " + strconv.FormatInt(c.floors[t.Name], 10) + " AND " + sql
	}
	return sql
}

// unclearReason says why it is not known which rows are confirmed; empty if it is.
func (s *syncState) unclearReason() string {
	now := s.attempts.Current
	switch {
	case !s.keepsConfirmed:
		return ""
	case s.attempts.Ambiguous:
		return fmt.Sprintf("the connector has begun its snapshot twice with the same lsn (%d) and txId (%d), so that rows of the attempt that it gave up can't be told apart",
			now.LSN, now.Tx)
	case s.attempts.Overtaken && !s.attempts.Last:
		return fmt.Sprintf("the connector has begun a snapshot anew that has no row of %s, and the end of the one before was not seen", s.Target)
	case s.fromDump:
		return "the database was restored from a dump since the connector began its snapshot anew, and does not say any more what was confirmed before"
	}
	return ""
}
