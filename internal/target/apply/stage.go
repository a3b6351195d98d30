package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
)

// maxStages bounds how many temporary tables the session keeps. Every commit
// truncates all of them, so that many cost time.
const maxStages = 256

// stage is a temporary table that holds a chunk: what the fold says of each
// change, and the row as the target table stores it. It is empty at the beginning
// of every transaction. Where temporary tables can't be made it is a part of the
// permanent one (see stage_permanent.go).
type stage struct {
	number int
	types  []change.Type
	// permanent says that the permanent table has the rows.
	permanent bool
	// exists says that a committed transaction has made the table.
	exists bool
	// filled says that it has been used in this transaction.
	filled bool
	// lastUse counts up with every use, to find the one that was used longest ago.
	lastUse int
}

// stagePool are the temporary tables of a session.
type stagePool struct {
	byShape map[string]*stage
	serial  int
	clock   int
	// usedStages are those of this transaction, in the order of their first use.
	usedStages []*stage
	// dropped are the keys of those that this transaction drops.
	dropped []string
	// refusedAt is when a temporary table could not be made, zero if that has not
	// happened; permanentUsed says that the permanent table may have rows of the
	// transaction.
	refusedAt     time.Time
	permanentUsed bool
}

func newStagePool() *stagePool { return &stagePool{byShape: make(map[string]*stage)} }

// afterCommit notes that what the transaction made is there, and empty again.
func (s *stagePool) afterCommit() {
	for _, st := range s.usedStages {
		st.exists, st.filled = !st.permanent, false
	}
	for _, key := range s.dropped {
		delete(s.byShape, key)
	}
	s.usedStages, s.dropped, s.permanentUsed = nil, nil, false
}

// afterRollback notes that what the transaction did is undone.
func (s *stagePool) afterRollback() {
	s.undoSince(0)
	s.dropped, s.permanentUsed = nil, false
}

// undoSince notes that all is undone since so many stages had been touched.
func (s *stagePool) undoSince(touched int) {
	for _, st := range s.usedStages[touched:] {
		st.filled = false
	}
	s.usedStages = s.usedStages[:touched]
}

// withSavepoint does something that is undone if it fails, the stages it makes too.
func (r *batchTx) withSavepoint(ctx context.Context, do func() error) error {
	touched := len(r.stages.usedStages)
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return do() })
	if err != nil {
		r.stages.undoSince(touched)
	}
	return err
}

// The columns of a stage that come before the row.
const stageMetaColumns = `ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean,
	at timestamptz, origin text, missing int[], via int`

// stageMetaNames are their names, stageMetaCount their number.
const (
	stageMetaNames = "ord, head, follows, upsert, probe, suspect, at, origin, missing, via"
	stageMetaCount = 10
)

// The two purposes of a stage, which are not to share one: rows as they are
// stored, and rows as they arrive.
const (
	purposeStored   = 's'
	purposeArriving = 'a'
)

// openStage returns an empty stage for rows of the given types.
func (r *batchTx) openStage(ctx context.Context, purpose byte, types []change.Type) (*stage, error) {
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
		st = &stage{number: s.serial, types: slices.Clone(types)}
		s.byShape[key.String()] = st
	}
	st.lastUse = s.clock
	if !st.filled {
		if err := r.makeStage(ctx, st); err != nil {
			return nil, err
		}
		s.usedStages = append(s.usedStages, st)
	} else if _, err := r.tx.Exec(ctx, st.emptySQL()); err != nil {
		return nil, fmt.Errorf("empty a temporary table: %w", err)
	}
	st.filled = true
	return st, nil
}

// makeStage makes the table of a stage where there is none, or has its rows stand in the
// permanent one.
func (r *batchTx) makeStage(ctx context.Context, st *stage) error {
	if st.exists {
		return nil
	}
	st.permanent = r.stages.isRefusedRecently()
	if !st.permanent {
		err := pgx.BeginFunc(ctx, r.tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, st.createSQL())
			return err
		})
		if st.permanent = r.noteTemporaryRefusal(err); err != nil && !st.permanent {
			return fmt.Errorf("make a temporary table: %w", err)
		}
	}
	r.stages.permanentUsed = r.stages.permanentUsed || st.permanent
	return nil
}

// createSQL makes the stage's temporary table. Where one of that name is there it is empty.
func (s *stage) createSQL() string {
	var sql strings.Builder
	sql.WriteString("CREATE TEMPORARY TABLE IF NOT EXISTS " + s.tableName().SQL() + " (" + stageMetaColumns)
	for i, t := range s.types {
		sql.WriteString(", " + stageColumn(i) + " " + t.String())
	}
	sql.WriteString(") ON COMMIT DELETE ROWS; DELETE FROM " + s.SQL())
	return sql.String()
}

// dropOldStages drops those stages that are too many, those first that were used
// longest ago. It comes last in a transaction.
func (r *batchTx) dropOldStages(ctx context.Context) error {
	s := r.stages
	if len(s.byShape) <= maxStages {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(s.byShape), func(a, b string) int { return s.byShape[a].lastUse - s.byShape[b].lastUse })
	s.dropped = keys[:len(keys)-maxStages]
	err := r.withSavepoint(ctx, func() error {
		for _, key := range s.dropped {
			if !s.byShape[key].exists {
				continue
			}
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

// tableName is that of the stage's temporary table.
func (s *stage) tableName() ident.Name { return ident.Name("metadb_stage_" + strconv.Itoa(s.number)) }

// SQL returns the stage as an item of a FROM list, which has to get an alias.
func (s *stage) SQL() string {
	if s.permanent {
		return s.permanentRowsSQL()
	}
	return ident.Qualified{Schema: "pg_temp", Name: s.tableName()}.SQL()
}

// emptySQL deletes the stage's rows.
func (s *stage) emptySQL() string {
	if s.permanent {
		return "DELETE FROM " + permanentStage + " WHERE number = " + strconv.Itoa(s.number)
	}
	return "DELETE FROM " + s.SQL()
}

// copySQL copies rows into the stage: the meta columns, then what copyToStage appends for
// these columns.
func (s *stage) copySQL(columns []int) string {
	if s.permanent {
		return "COPY " + permanentStage + " (" + stageMetaNames + ", number, cells)"
	}
	return "COPY " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")"
}

// insertSQL inserts, for each row that a FROM list has, what is said of some columns.
func (s *stage) insertSQL(columns []int, values []string, from string) string {
	if s.permanent {
		return s.permanentInsertSQL(columns, values, from)
	}
	return "INSERT INTO " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")" +
		" SELECT " + stageMetaNames + ", " + strings.Join(values, ", ") + " FROM " + from
}

// updateSQL gives some columns of the rows that an alias stands for other values, as the
// items of a FROM list say under a condition.
func (s *stage) updateSQL(alias string, columns []int, value func(column int) string, from, where string) string {
	if s.permanent {
		return s.permanentUpdateSQL(alias, columns, value, from, where)
	}
	set := ""
	for _, column := range columns {
		set += ", " + stageColumn(column) + " = " + value(column)
	}
	return "UPDATE " + s.SQL() + " AS " + alias + " SET " + trimComma(set) + " FROM " + from + " WHERE " + where
}

// stageColumns lists columns of a stage.
func stageColumns(columns []int) string {
	list := ""
	for _, column := range columns {
		list += ", " + stageColumn(column)
	}
	return trimComma(list)
}

// stageColumn is the name of a stage's column for column i of the row: a name of
// ours, since the table's may be one of stageMetaColumns.
func stageColumn(i int) string { return "c" + strconv.Itoa(i) }

// columnTypes returns the stored types of a table's columns.
func columnTypes(t *catalog.Table) []change.Type {
	types := make([]change.Type, len(t.Columns))
	for i, c := range t.Columns {
		types[i] = c.Type
	}
	return types
}
