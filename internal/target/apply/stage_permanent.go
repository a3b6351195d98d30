package apply

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/apply/sqlgen"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/history"
	"metadb/internal/target/pgbinary"
)

// An event trigger or a missing privilege can keep temporary tables from being created, in a
// database in which the target tables need no change. Then the rows of stages are in metadb.stage,
// which always exists: the meta columns, and the row as an array of texts. That is slower. Other
// sessions see no row of it, since the transaction deletes those that it has inserted.

// temporaryRetryInterval is the time after a refusal for which no temporary table is tried.
const temporaryRetryInterval = time.Minute

// noteTemporaryRefusal reports whether an error is the refusal of a temporary table: a function
// called by an event trigger has raised it, or the privilege is missing. The refusal is noted, and
// logged once in a session.
func (r *batchTx) noteTemporaryRefusal(err error) bool {
	refused, ok := dbsession.TemporaryRefusal(err)
	if !ok {
		return false
	}
	if r.stages.refusedAt.IsZero() {
		r.config.Logger.Warn(fmt.Sprintf("source %q: temporary tables can't be made, and metadb.stage is used instead, which is slower: %v (%s)",
			r.config.Source, err, refused.Where))
	}
	r.stages.refusedAt = time.Now()
	return true
}

// isRefusedRecently reports whether a temporary table was refused less than temporaryRetryInterval
// ago.
func (s *stagePool) isRefusedRecently() bool {
	return !s.refusedAt.IsZero() && time.Since(s.refusedAt) < temporaryRetryInterval
}

// emptyPermanentStage deletes the transaction's rows in the permanent table.
func (r *batchTx) emptyPermanentStage(ctx context.Context) error {
	if !r.stages.permanentUsed {
		return nil
	}
	if _, err := r.tx.Exec(ctx, "DELETE FROM "+sqlgen.PermanentStage); err != nil {
		return fmt.Errorf("empty %s: %w", sqlgen.PermanentStage, err)
	}
	return nil
}

// stagedFieldCount returns the number of fields of a row that is copied into the stage with so many
// values.
func stagedFieldCount(s *sqlgen.Stage, values int) int {
	if s.Permanent {
		return sqlgen.StageMetaCount + 2
	}
	return sqlgen.StageMetaCount + values
}

// stageEncoder writes rows of a chunk into a stage, with the values of the chunk's fields in columns.
type stageEncoder struct {
	stage   *sqlgen.Stage
	chunk   *history.Chunk
	columns []int
	// failed is the error of a value that has no text.
	failed error
}

// appendForm returns dst with the values from begin on in the form of the stage: unchanged
// for a temporary table; for the permanent table its number and an array of texts, one for each
// column. A value that has no text sets failed.
func (w *stageEncoder) appendForm(dst []byte, begin int) []byte {
	s := w.stage
	if !s.Permanent {
		return dst
	}
	texts := make([]change.Cell, len(s.Types))
	for i := range texts {
		texts[i].State = change.Null
	}
	rest := change.Row(slices.Clone(dst[begin:]))
	for i, column := range w.columns {
		var cell change.Cell
		if cell, rest = rest.Next(); cell.State != change.Present {
			continue
		}
		text, err := datatype.Format(w.chunk.Fields[i].TypePath[0], cell)
		if err != nil {
			w.failed = fmt.Errorf("write a value as text: %w", err)
			continue
		}
		texts[column] = change.Cell{Bytes: []byte(text)}
	}
	dst = pgbinary.AppendInt32(dst[:begin], int32(s.Number))
	mark := len(dst)
	dst = pgbinary.AppendArrayHeader(append(dst, 0, 0, 0, 0), pgbinary.TextOID, len(texts))
	for _, cell := range texts {
		dst = change.AppendCell(dst, cell)
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}
