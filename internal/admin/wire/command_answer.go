package wire

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/command"
)

// commandAnswer is the result of a command on its way to the client.
type commandAnswer struct {
	result *command.Result
	// formats are the formats of the columns that the client asked for: none
	// for text, one for all, or one for each.
	formats []int16
	// sent is how many rows are out.
	sent int
	// ended says that the end has been sent.
	ended bool
}

// sendAll sends a result in answer to a simple query.
func (a *commandAnswer) sendAll(out *clientOutput) error {
	if a.result.Columns != nil {
		if err := out.writeMessages(rowDescription(a.result.Columns, a.formats)); err != nil {
			return err
		}
	}
	return a.sendRows(out, 0)
}

// sendRows sends at most limit further rows, all of them if limit is 0, and what
// ends them: as PostgreSQL, which does not look ahead, it is not the end where the
// limit is reached, and the tag counts the rows since then.
func (a *commandAnswer) sendRows(out *clientOutput, limit int) error {
	for _, n := range a.result.Notices {
		if err := out.writeMessages(noticeResponse(n)); err != nil {
			return err
		}
	}
	a.result.Notices = nil
	before := a.sent
	for a.sent < len(a.result.Rows) && (limit <= 0 || a.sent-before < limit) {
		row, err := a.encodeRow(a.result.Rows[a.sent])
		if err != nil {
			return err
		}
		if err := out.writeMessages(row); err != nil {
			return err
		}
		a.sent++
	}
	if limit > 0 && a.sent-before == limit {
		return out.writeMessages(&pgproto3.PortalSuspended{})
	}
	tag := a.result.Tag
	if before > 0 {
		tag = fmt.Sprintf("SELECT %d", a.sent-before)
	}
	a.ended = true
	return out.writeMessages(&pgproto3.CommandComplete{CommandTag: []byte(tag)})
}

// encodeRow makes a row of the protocol.
func (a *commandAnswer) encodeRow(row []any) (*pgproto3.DataRow, error) {
	types := pgtype.NewMap()
	message := &pgproto3.DataRow{Values: make([][]byte, len(row))}
	for i, value := range row {
		format := formatOfColumn(a.formats, i)
		if at, ok := value.(time.Time); ok && format == pgtype.TextFormatCode {
			// As PostgreSQL prints it with TimeZone UTC.
			message.Values[i] = []byte(at.UTC().Format("2006-01-02 15:04:05.999999+00"))
			continue
		}
		// Encode returns nil for NULL, and what it was given for "".
		encoded, err := types.Encode(a.result.Columns[i].OID, format, value, []byte{})
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", a.result.Columns[i].Name, err)
		}
		message.Values[i] = encoded
	}
	return message, nil
}

// rowDescription describes the columns of a result.
func rowDescription(columns []command.Column, formats []int16) *pgproto3.RowDescription {
	message := &pgproto3.RowDescription{}
	for i, c := range columns {
		message.Fields = append(message.Fields, pgproto3.FieldDescription{
			Name: []byte(c.Name), DataTypeOID: c.OID, DataTypeSize: typeSize(c.OID), TypeModifier: -1, Format: formatOfColumn(formats, i),
		})
	}
	return message
}

// typeSize is pg_type.typlen of the types that results have.
func typeSize(oid uint32) int16 {
	switch oid {
	case pgtype.Int8OID, pgtype.TimestamptzOID:
		return 8
	}
	return -1
}

func formatOfColumn(formats []int16, column int) int16 {
	switch {
	case len(formats) == 1:
		return formats[0]
	case column < len(formats):
		return formats[column]
	}
	return pgtype.TextFormatCode
}

func noticeResponse(n command.Notice) *pgproto3.NoticeResponse {
	return &pgproto3.NoticeResponse{
		Severity: string(n.Severity), SeverityUnlocalized: string(n.Severity), Code: n.Code, Message: plainText(n.Message), Hint: plainText(n.Hint),
	}
}
