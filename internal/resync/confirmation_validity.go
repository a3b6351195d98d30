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

// confirmationValidity selects the stored confirmations that are valid. Confirmations by an
// attempt of the snapshot that the connector gave up are not; package apply stores the first
// transaction of the valid ones in metadb.confirmed_since.
type confirmationValidity struct {
	// keepsConfirmed is true if the ids of confirmed rows are stored. They always are, except in
	// an initial synchronization in which every current row is one of the source's.
	keepsConfirmed bool
	// countSince is that transaction; empty if all confirmations are valid.
	countSince string
	// fromDump is true if the database was restored from a dump since then: xmin is not the
	// transaction that confirmed a row.
	fromDump bool
	// floors are the highest row ids at the time when an initial synchronization began to store
	// the ids of confirmed rows. Rows up to them are confirmed.
	floors map[change.Table]int64
	// attempts is the state of the snapshot's attempts.
	attempts change.Attempts
}

// loadValidity reads which confirmations of the target are valid.
func (s *syncState) loadValidity(ctx context.Context, db Querier) error {
	rows, err := db.Query(ctx, `
SELECT c.since::text, c.xmin::text <> c.since::xid::text FROM metadb.confirmed_since c
 WHERE `+isTargetSQL+" ORDER BY c.since DESC LIMIT 1", s.target.keyArgs()...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&s.validity.countSince, &s.validity.fromDump}, func() error { return nil })
	}
	if err != nil {
		return fmt.Errorf("read from when on confirmations count: %w", err)
	}
	rows, err = db.Query(ctx, "SELECT schema_name, table_name, id FROM metadb.confirmed_floor WHERE source_name = $1", s.target.Source)
	var table change.Table
	var id int64
	if err == nil {
		s.validity.floors = make(map[change.Table]int64)
		_, err = pgx.ForEachRow(rows, []any{&table.Schema, &table.Name, &id}, func() error { s.validity.floors[table] = id; return nil })
	}
	if err != nil {
		return fmt.Errorf("read which rows are confirmed: %w", err)
	}
	s.validity.attempts, err = s.loadAttempts(ctx, db)
	return err
}

// loadAttempts reads the state of the attempts of the target's snapshot.
func (s *syncState) loadAttempts(ctx context.Context, db Querier) (change.Attempts, error) {
	scope, err := LoadScope(ctx, db, s.target.Source)
	if err != nil {
		return change.Attempts{}, err
	}
	return scope.snapshots[s.target].Attempts, nil
}

// ErrSnapshotRestarted is the error if the connector has begun its snapshot anew during endsync,
// which makes the confirmations of the attempt before invalid.
var ErrSnapshotRestarted = errors.New("the connector has begun its snapshot anew meanwhile: run \"endsync\" again when it is complete")

// checkSameAttempt returns [ErrSnapshotRestarted] if another attempt of the snapshot has begun
// since the state was loaded.
func (s *syncState) checkSameAttempt(ctx context.Context, db Querier) error {
	attempts, err := s.loadAttempts(ctx, db)
	if err == nil && (!attempts.Current.IsSame(s.validity.attempts.Current) || attempts.Ambiguous != s.validity.attempts.Ambiguous) {
		return ErrSnapshotRestarted
	}
	return err
}

// isUnconfirmedSQL returns the condition that a row c of a table's current rows is not
// confirmed.
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

// unclearReason returns the reason why the confirmed rows can't be determined; empty if they
// can.
func (s *syncState) unclearReason() string {
	now := s.validity.attempts.Current
	switch {
	case !s.validity.keepsConfirmed:
		return ""
	case s.validity.attempts.Ambiguous:
		return fmt.Sprintf("the connector has begun its snapshot twice with the same lsn (%d) and txId (%d), so that rows of the attempt that it gave up can't be told apart",
			now.LSN, now.Tx)
	case s.validity.attempts.Overtaken && !s.validity.attempts.Last:
		return fmt.Sprintf("the connector has begun a snapshot anew that has no row of %s, and the end of the one before was not seen", s.target)
	case s.validity.fromDump:
		return "the database was restored from a dump since the connector began its snapshot anew, and does not say any more what was confirmed before"
	}
	return ""
}
