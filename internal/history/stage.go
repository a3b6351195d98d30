package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/ident"
)

// maxStages bounds how many temporary tables the session keeps. Every commit
// truncates all of them, so that many cost time.
const maxStages = 256

// stage is a temporary table that holds a chunk: what the fold says of each
// item, and the row as the target table stores it. It is empty at the beginning
// of every transaction.
type stage struct {
	name ident.Name
	// exists says that a committed transaction has made the table.
	exists bool
	// filled says that it has been used in this transaction.
	filled bool
	// used counts up with every use, to find the one that was used longest ago.
	used int
}

// stages are the temporary tables of a session.
type stages struct {
	byShape map[string]*stage
	serial  int
	clock   int
	// touched are those of this transaction, in the order of their first use.
	touched []*stage
	// dropped are the keys of those that this transaction drops.
	dropped []string
}

func newStages() *stages { return &stages{byShape: make(map[string]*stage)} }

// committed notes that what the transaction made is there, and empty again.
func (s *stages) committed() {
	for _, st := range s.touched {
		st.exists, st.filled = true, false
	}
	for _, key := range s.dropped {
		delete(s.byShape, key)
	}
	s.touched, s.dropped = nil, nil
}

// rolledBack notes that what the transaction did is undone.
func (s *stages) rolledBack() {
	s.undo(0)
	s.dropped = nil
}

// undo notes that all is undone since so many stages had been touched.
func (s *stages) undo(touched int) {
	for _, st := range s.touched[touched:] {
		st.filled = false
	}
	s.touched = s.touched[:touched]
}

// savepoint does something that is undone if it fails, the stages it makes too.
func (r *run) savepoint(ctx context.Context, do func() error) error {
	touched := len(r.stages.touched)
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return do() })
	if err != nil {
		r.stages.undo(touched)
	}
	return err
}

// The columns of a stage that come before the row.
const stageMeta = `ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean,
	at timestamptz, origin text, missing int[], via int`

// stageMetaNames are their names, stageMetaCount their number.
const (
	stageMetaNames = "ord, head, follows, upsert, probe, suspect, at, origin, missing, via"
	stageMetaCount = 10
)

// The two purposes of a stage, which are not to share one: rows as they are
// stored, and rows as they arrive.
const (
	forStored   = 's'
	forArriving = 'a'
)

// openStage returns an empty stage for rows of the given types.
func (r *run) openStage(ctx context.Context, purpose byte, types []change.Type) (*stage, error) {
	var key strings.Builder
	key.WriteByte(purpose)
	for _, t := range types {
		key.WriteByte(byte(t))
	}
	s := r.stages
	s.clock++
	st, ok := s.byShape[key.String()]
	if !ok {
		s.serial++
		st = &stage{name: ident.Name("metadb_stage_" + strconv.Itoa(s.serial))}
		s.byShape[key.String()] = st
	}
	st.used = s.clock
	if !st.filled {
		s.touched = append(s.touched, st)
	}
	var sql strings.Builder
	switch {
	case !st.exists:
		sql.WriteString("CREATE TEMPORARY TABLE IF NOT EXISTS " + st.name.SQL() + " (" + stageMeta)
		for i, t := range types {
			sql.WriteString(", " + stageColumn(i) + " " + t.String())
		}
		sql.WriteString(") ON COMMIT DELETE ROWS; ")
		fallthrough
	case st.filled:
		sql.WriteString("DELETE FROM " + st.SQL())
	}
	st.filled = true
	if sql.Len() == 0 {
		return st, nil
	}
	if _, err := r.tx.Exec(ctx, sql.String()); err != nil {
		return nil, fmt.Errorf("make a temporary table: %w", err)
	}
	return st, nil
}

// dropOldStages drops those stages that are too many, those first that were used
// longest ago. It comes last in a transaction.
func (r *run) dropOldStages(ctx context.Context) error {
	s := r.stages
	if len(s.byShape) <= maxStages {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(s.byShape), func(a, b string) int { return s.byShape[a].used - s.byShape[b].used })
	s.dropped = keys[:len(keys)-maxStages]
	err := r.savepoint(ctx, func() error {
		for _, key := range s.dropped {
			if _, err := r.tx.Exec(ctx, "DROP TABLE IF EXISTS "+s.byShape[key].SQL()); err != nil {
				return fmt.Errorf("drop a temporary table: %w", err)
			}
		}
		return nil
	})
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		// An event trigger can keep tables from being dropped. They are in nobody's
		// way: the next transaction tries again.
		s.dropped = nil
		return nil
	}
	return err
}

// SQL returns the stage's name for use in a statement.
func (s *stage) SQL() string { return ident.Qualified{Schema: "pg_temp", Name: s.name}.SQL() }

// stageColumn is the name of a stage's column for column i of the row: a name of
// ours, since the table's may be one of stageMeta.
func stageColumn(i int) string { return "c" + strconv.Itoa(i) }

// columnTypes returns the stored types of a table's columns.
func columnTypes(t *catalog.Table) []change.Type {
	types := make([]change.Type, len(t.Columns))
	for i, c := range t.Columns {
		types[i] = c.Type
	}
	return types
}
