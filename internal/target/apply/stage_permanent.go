package apply

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/datatype"
	"metadb/internal/target/pgcode"
)

// An event trigger or a missing privilege can keep temporary tables from being created, in a
// database in which the target tables need no change. Then the rows of stages are in metadb.stage,
// which always exists: the meta columns, and the row as an array of texts. That is slower. Other
// sessions see no row of it, since the transaction deletes those that it has inserted.

const (
	permanentStage = "metadb.stage"
	// temporaryRetryInterval is the time after a refusal for which no temporary table is tried.
	temporaryRetryInterval = time.Minute
)

// noteTemporaryRefusal reports whether an error is the refusal of a temporary table: a function
// called by an event trigger has raised it, or the privilege is missing. The refusal is noted, and
// logged once in a session.
func (r *batchTx) noteTemporaryRefusal(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Where == "" && refused.Code != pgcode.InsufficientPrivilege {
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
	if _, err := r.tx.Exec(ctx, "DELETE FROM "+permanentStage); err != nil {
		return fmt.Errorf("empty %s: %w", permanentStage, err)
	}
	return nil
}

// permanentRowsSQL returns the stage's rows in the permanent table, with the columns of a temporary
// one.
func (s *stage) permanentRowsSQL() string {
	var sql strings.Builder
	sql.WriteString("(SELECT " + stageMetaNames)
	for i, t := range s.types {
		sql.WriteString(", cells[" + strconv.Itoa(i+1) + "]::" + t.String() + " AS " + stageColumn(i))
	}
	sql.WriteString(" FROM " + permanentStage + " WHERE number = " + strconv.Itoa(s.number) + ")")
	return sql.String()
}

// permanentInsertSQL returns the statement of insertSQL for the permanent table.
func (s *stage) permanentInsertSQL(columns []int, values []string, from string) string {
	cells := make([]string, len(s.types))
	for i := range cells {
		cells[i] = "NULL"
		if at := slices.Index(columns, i); at >= 0 {
			cells[i] = "(" + values[at] + ")::text"
		}
	}
	return "INSERT INTO " + permanentStage + " (number, " + stageMetaNames + ", cells) SELECT " + strconv.Itoa(s.number) + ", " + stageMetaNames +
		", ARRAY[" + strings.Join(cells, ", ") + "]::text[] FROM " + from
}

// permanentUpdateSQL returns the statement of updateSQL for the permanent table.
func (s *stage) permanentUpdateSQL(alias string, columns []int, value func(column int) string, from, where string) string {
	set := ""
	for _, column := range columns {
		set += ", cells[" + strconv.Itoa(column+1) + "] = (" + value(column) + ")::text"
	}
	return "UPDATE " + permanentStage + " AS stored SET " + trimComma(set) + " FROM " + s.SQL() + " AS " + alias + ", " + from +
		" WHERE stored.number = " + strconv.Itoa(s.number) + " AND stored.ord = " + alias + ".ord AND " + where
}

// fieldCount returns the number of fields of a row that is copied into the stage with so many
// values.
func (s *stage) fieldCount(values int) int {
	if s.permanent {
		return stageMetaCount + 2
	}
	return stageMetaCount + values
}

// appendStagedForm returns dst with the values from begin on in the form of the stage: unchanged
// for a temporary table; for the permanent table its number and an array of texts, one for each
// column. A value that has no text sets failed.
func (s *stage) appendStagedForm(dst []byte, begin int, c *chunk, columns []int, failed *error) []byte {
	if !s.permanent {
		return dst
	}
	texts := make([]change.Cell, len(s.types))
	for i := range texts {
		texts[i].State = change.Null
	}
	rest := change.Row(slices.Clone(dst[begin:]))
	for i, column := range columns {
		var cell change.Cell
		if cell, rest = rest.Next(); cell.State != change.Present {
			continue
		}
		text, err := datatype.Format(c.fields[i].typePath[0], cell)
		if err != nil {
			*failed = fmt.Errorf("write a value as text: %w", err)
			continue
		}
		texts[column] = change.Cell{Bytes: []byte(text)}
	}
	dst = appendInt32(dst[:begin], int32(s.number))
	mark := len(dst)
	dst = appendArrayHeader(append(dst, 0, 0, 0, 0), textOID, len(texts))
	for _, cell := range texts {
		dst = change.AppendCell(dst, cell)
	}
	binary.BigEndian.PutUint32(dst[mark:], uint32(len(dst)-mark-4))
	return dst
}
