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

// maxStages is the number of temporary tables that the session keeps. Each commit truncates all of
// them, which takes time.
const maxStages = 256

// stage is a temporary table with the rows of a chunk: the fold's result for each change, and the
// row as the target table stores it. It is empty at the beginning of each transaction. Where
// temporary tables can't be created it is a part of the permanent table (stage_permanent.go).
type stage struct {
	number int
	types  []change.Type
	// permanent is set if the rows are in the permanent table.
	permanent bool
	// exists is set if a committed transaction has created the table.
	exists bool
	// filled is set if this transaction has used the stage.
	filled bool
	// lastUse is the pool's clock at the last use, to find the stage that has not been used for
	// longest.
	lastUse int
}

// stagePool has the stages of a session.
type stagePool struct {
	byShape map[string]*stage
	serial  int
	clock   int
	// usedStages are the stages of this transaction, in the order of their first use.
	usedStages []*stage
	// dropped are the keys of the stages that this transaction drops.
	dropped []string
	// refusedAt is the time at which a temporary table was last refused, zero if that has not
	// happened. permanentUsed is set if the permanent table may have rows of the transaction.
	refusedAt     time.Time
	permanentUsed bool
}

func newStagePool() *stagePool { return &stagePool{byShape: make(map[string]*stage)} }

// afterCommit notes that the tables which the transaction created exist, and are empty.
func (s *stagePool) afterCommit() {
	for _, st := range s.usedStages {
		st.exists, st.filled = !st.permanent, false
	}
	for _, key := range s.dropped {
		delete(s.byShape, key)
	}
	s.usedStages, s.dropped, s.permanentUsed = nil, nil, false
}

// afterRollback undoes the notes of the transaction.
func (s *stagePool) afterRollback() {
	s.undoSince(0)
	s.dropped, s.permanentUsed = nil, false
}

// undoSince undoes the notes on stages that were first used after so many others.
func (s *stagePool) undoSince(touched int) {
	for _, st := range s.usedStages[touched:] {
		st.filled = false
	}
	s.usedStages = s.usedStages[:touched]
}

// withSavepoint runs a function in a savepoint. If it fails its changes are rolled back, and the
// notes on the stages that it created are undone.
func (r *batchTx) withSavepoint(ctx context.Context, do func() error) error {
	touched := len(r.stages.usedStages)
	err := pgx.BeginFunc(ctx, r.tx, func(pgx.Tx) error { return do() })
	if err != nil {
		r.stages.undoSince(touched)
	}
	return err
}

// stageMetaColumns defines the columns of a stage that come before the row.
const stageMetaColumns = `ord int, head boolean, follows boolean, upsert boolean, probe boolean, suspect boolean,
	at timestamptz, origin text, missing int[], via int`

// stageMetaNames has their names, stageMetaCount their number.
const (
	stageMetaNames = "ord, head, follows, upsert, probe, suspect, at, origin, missing, via"
	stageMetaCount = 10
)

// Purposes of a stage: stored rows and arriving ones need different stages.
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

// makeStage creates the table of a stage unless it exists, or makes the stage use the permanent
// table.
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

// createSQL returns the statements that create the stage's temporary table. An existing table of
// that name is emptied.
func (s *stage) createSQL() string {
	var sql strings.Builder
	sql.WriteString("CREATE TEMPORARY TABLE IF NOT EXISTS " + s.tableName().SQL() + " (" + stageMetaColumns)
	for i, t := range s.types {
		sql.WriteString(", " + stageColumn(i) + " " + t.String())
	}
	sql.WriteString(") ON COMMIT DELETE ROWS; DELETE FROM " + s.SQL())
	return sql.String()
}

// dropOldStages drops the stages above maxStages that have not been used for longest. It comes last
// in a transaction.
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
		// An event trigger can refuse to drop tables. They do no harm, and the next transaction
		// tries again.
		s.dropped = nil
		return nil
	}
	return err
}

// tableName returns the name of the stage's temporary table.
func (s *stage) tableName() ident.Name { return ident.Name("metadb_stage_" + strconv.Itoa(s.number)) }

// SQL returns the stage as an item of a FROM list, which needs an alias.
func (s *stage) SQL() string {
	if s.permanent {
		return s.permanentRowsSQL()
	}
	return ident.Qualified{Schema: "pg_temp", Name: s.tableName()}.SQL()
}

// emptySQL returns the statement that deletes the stage's rows.
func (s *stage) emptySQL() string {
	if s.permanent {
		return "DELETE FROM " + permanentStage + " WHERE number = " + strconv.Itoa(s.number)
	}
	return "DELETE FROM " + s.SQL()
}

// copySQL returns the statement that copies rows into the stage: the meta columns, then the fields
// that copyToStage appends for these columns.
func (s *stage) copySQL(columns []int) string {
	if s.permanent {
		return "COPY " + permanentStage + " (" + stageMetaNames + ", number, cells)"
	}
	return "COPY " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")"
}

// insertSQL returns the statement that inserts a row for each row of a FROM list, with the
// expressions values for the given columns.
func (s *stage) insertSQL(columns []int, values []string, from string) string {
	if s.permanent {
		return s.permanentInsertSQL(columns, values, from)
	}
	return "INSERT INTO " + s.SQL() + " (" + stageMetaNames + ", " + stageColumns(columns) + ")" +
		" SELECT " + stageMetaNames + ", " + strings.Join(values, ", ") + " FROM " + from
}

// updateSQL returns the statement that sets columns of the stage's rows, which have an alias, to
// values from the items of a FROM list under a condition.
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

// stageColumn returns the name of a stage's column for column i of the row. The table's own name
// could be one of stageMetaNames.
func stageColumn(i int) string { return "c" + strconv.Itoa(i) }

// columnTypes returns the stored types of a table's columns.
func columnTypes(t *catalog.Table) []change.Type {
	types := make([]change.Type, len(t.Columns))
	for i, c := range t.Columns {
		types[i] = c.Type
	}
	return types
}
