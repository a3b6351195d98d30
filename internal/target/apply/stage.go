package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/catalog"
)

// maxStages is the number of temporary tables that the session keeps. Each commit truncates all of
// them, which takes time.
const maxStages = 256

// pooledStage is a stage of a session. Its table is empty at the beginning of each transaction.
type pooledStage struct {
	stage *sqlgen.Stage
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
	byShape map[string]*pooledStage
	serial  int
	clock   int
	// usedStages are the stages of this transaction, in the order of their first use.
	usedStages []*pooledStage
	// dropped are the keys of the stages that this transaction drops.
	dropped []string
	// refusedAt is the time at which a temporary table was last refused, zero if that has not
	// happened. permanentUsed is set if the permanent table may have rows of the transaction.
	refusedAt     time.Time
	permanentUsed bool
}

func newStagePool() *stagePool { return &stagePool{byShape: make(map[string]*pooledStage)} }

// afterCommit notes that the tables which the transaction created exist, and are empty.
func (s *stagePool) afterCommit() {
	for _, st := range s.usedStages {
		st.exists, st.filled = !st.stage.Permanent, false
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

// Purposes of a stage: stored rows and arriving ones need different stages.
const (
	purposeStored   = 's'
	purposeArriving = 'a'
)

// openStage returns an empty stage for rows of the given types.
func (r *batchTx) openStage(ctx context.Context, purpose byte, types []change.Type) (*sqlgen.Stage, error) {
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
		st = &pooledStage{stage: &sqlgen.Stage{Number: s.serial, Types: slices.Clone(types)}}
		s.byShape[key.String()] = st
	}
	st.lastUse = s.clock
	if !st.filled {
		if err := r.makeStage(ctx, st); err != nil {
			return nil, err
		}
		s.usedStages = append(s.usedStages, st)
	} else if _, err := r.tx.Exec(ctx, st.stage.EmptySQL()); err != nil {
		return nil, fmt.Errorf("empty a temporary table: %w", err)
	}
	st.filled = true
	return st.stage, nil
}

// makeStage creates the table of a stage unless it exists, or makes the stage use the permanent
// table.
func (r *batchTx) makeStage(ctx context.Context, st *pooledStage) error {
	if st.exists {
		return nil
	}
	st.stage.Permanent = r.stages.isRefusedRecently()
	if !st.stage.Permanent {
		err := pgx.BeginFunc(ctx, r.tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, st.stage.CreateSQL())
			return err
		})
		if st.stage.Permanent = r.noteTemporaryRefusal(err); err != nil && !st.stage.Permanent {
			return fmt.Errorf("make a temporary table: %w", err)
		}
	}
	r.stages.permanentUsed = r.stages.permanentUsed || st.stage.Permanent
	return nil
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
			if _, err := r.tx.Exec(ctx, s.byShape[key].stage.DropSQL()); err != nil {
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

// columnTypes returns the stored types of a table's columns.
func columnTypes(t *catalog.Table) []change.Type {
	types := make([]change.Type, len(t.Columns))
	for i, c := range t.Columns {
		types[i] = c.Type
	}
	return types
}
