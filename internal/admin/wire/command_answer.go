package wire

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/command"
)

// commandAnswer is the result of a command and the part of it that is sent.
type commandAnswer struct {
	result *command.Result
	// formats are the formats of the columns as requested: empty for text, one for all columns, or
	// one for each.
	formats []int16
	// sent is the number of rows sent.
	sent int
	// ended is true if CommandComplete has been sent.
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

// sendRows sends at most limit further rows, all of them if limit is 0, and then PortalSuspended or
// CommandComplete. Like PostgreSQL, it does not look ahead: when it reaches the limit it sends
// PortalSuspended even after the last row, and the tag then counts the rows since.
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

// encodeRow encodes a row as a message of the protocol.
func (a *commandAnswer) encodeRow(row []any) (*pgproto3.DataRow, error) {
	types := pgtype.NewMap()
	message := &pgproto3.DataRow{Values: make([][]byte, len(row))}
	for i, value := range row {
		format := formatOfColumn(a.formats, i)
		if at, ok := value.(time.Time); ok && format == pgtype.TextFormatCode {
			// The format is PostgreSQL's with TimeZone UTC.
			message.Values[i] = []byte(at.UTC().Format("2006-01-02 15:04:05.999999+00"))
			continue
		}
		// Encode returns nil for NULL, and its last argument for "".
		encoded, err := types.Encode(a.result.Columns[i].OID, format, value, []byte{})
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", a.result.Columns[i].Name, err)
		}
		message.Values[i] = encoded
	}
	return message, nil
}

// rowDescription returns the description of a result's columns.
func rowDescription(columns []command.Column, formats []int16) *pgproto3.RowDescription {
	message := &pgproto3.RowDescription{}
	for i, c := range columns {
		message.Fields = append(message.Fields, pgproto3.FieldDescription{
			Name: []byte(c.Name), DataTypeOID: c.OID, DataTypeSize: typeSize(c.OID), TypeModifier: -1, Format: formatOfColumn(formats, i),
		})
	}
	return message
}

// typeSize returns pg_type.typlen of the types in results.
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
