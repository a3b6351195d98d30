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
)

// An event trigger can keep temporary tables from being made, in a database whose
// tables need no change. Then the rows of stages stand in metadb.stage, which is always
// there: the meta columns, and the row as an array of texts. That takes longer, and is
// seen by no other session: the transaction deletes what it has inserted.

const (
	permanentStage = "metadb.stage"
	// temporaryRetryInterval is after how long it is tried again to make a temporary table.
	temporaryRetryInterval = time.Minute
	// insufficientPrivilege is the SQLSTATE of a right that is not there, here that to
	// temporary tables. https://www.postgresql.org/docs/current/errcodes-appendix.html
	insufficientPrivilege = "42501"
)

// noteTemporaryRefusal reports whether somebody keeps the session from making temporary
// tables: a function that an event trigger calls has raised the error, or the right is not
// there. It is noted, and said once in a session.
func (r *batchTx) noteTemporaryRefusal(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Where == "" && refused.Code != insufficientPrivilege {
		return false
	}
	if r.stages.refusedAt.IsZero() {
		r.config.Logger.Warn(fmt.Sprintf("source %q: temporary tables can't be made, and metadb.stage is used instead, which is slower: %v (%s)",
			r.config.Source, err, refused.Where))
	}
	r.stages.refusedAt = time.Now()
	return true
}

// isRefusedRecently reports whether a temporary table need not be tried.
func (s *stagePool) isRefusedRecently() bool {
	return !s.refusedAt.IsZero() && time.Since(s.refusedAt) < temporaryRetryInterval
}

// emptyPermanentStage deletes what the transaction has in the permanent table.
func (r *batchTx) emptyPermanentStage(ctx context.Context) error {
	if !r.stages.permanentUsed {
		return nil
	}
	if _, err := r.tx.Exec(ctx, "DELETE FROM "+permanentStage); err != nil {
		return fmt.Errorf("empty %s: %w", permanentStage, err)
	}
	return nil
}

// permanentRowsSQL returns the stage's rows as a temporary table would have them.
func (s *stage) permanentRowsSQL() string {
	var sql strings.Builder
	sql.WriteString("(SELECT " + stageMetaNames)
	for i, t := range s.types {
		sql.WriteString(", cells[" + strconv.Itoa(i+1) + "]::" + t.String() + " AS " + stageColumn(i))
	}
	sql.WriteString(" FROM " + permanentStage + " WHERE number = " + strconv.Itoa(s.number) + ")")
	return sql.String()
}

// permanentInsertSQL is insertSQL for the permanent table.
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

// permanentUpdateSQL is updateSQL for the permanent table.
func (s *stage) permanentUpdateSQL(alias string, columns []int, value func(column int) string, from, where string) string {
	set := ""
	for _, column := range columns {
		set += ", cells[" + strconv.Itoa(column+1) + "] = (" + value(column) + ")::text"
	}
	return "UPDATE " + permanentStage + " AS stored SET " + trimComma(set) + " FROM " + s.SQL() + " AS " + alias + ", " + from +
		" WHERE stored.number = " + strconv.Itoa(s.number) + " AND stored.ord = " + alias + ".ord AND " + where
}

// fieldCount is how many fields a row has that is copied into the stage, of which so many
// are values.
func (s *stage) fieldCount(values int) int {
	if s.permanent {
		return stageMetaCount + 2
	}
	return stageMetaCount + values
}

// appendStagedForm returns dst with the values that begin somewhere as the stage has them: for the
// permanent table its number and an array of texts, one for each column. What can't be
// made a text is an error in failed.
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
