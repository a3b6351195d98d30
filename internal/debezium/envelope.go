package debezium

import (
	"bytes"
	"errors"
	"fmt"

	"metadb/internal/change"
)

// Envelope is what a record says about its change beside the rows, as a wire format has read it.
type Envelope struct {
	// Op is the member op.
	Op     []byte
	Source Source
}

// Operation is the kind of change that an envelope describes.
type Operation uint8

// The operations. Create, update and read are upserts of the row after the change.
const (
	// Message is no change of a table.
	Message Operation = iota
	Create
	Update
	Read
	Delete
	Truncate
)

// TableName is the source table that was described last: its strings are used again for the next
// event of the same table.
type TableName struct{ table change.Table }

// intern returns the table with the given names.
func (t *TableName) intern(schema, table []byte) change.Table {
	if string(schema) != t.table.Schema || string(table) != t.table.Name {
		t.table = change.Table{Schema: string(schema), Name: string(table)}
	}
	return t.table
}

// ErrNullCharacter is the error for a text with U+0000.
var ErrNullCharacter = errors.New(`the text contains \u0000, which PostgreSQL can't store`)

// Describe sets the fields of an event that do not concern its rows: source table, time, positions
// and phase of a snapshot; and Op for a truncate. It returns the operation, for the rows. After an
// error the event has the fields that could be read.
func (e *Envelope) Describe(event *change.Event, last *TableName) (Operation, error) {
	source := &e.Source
	if err := source.checkConnector(); err != nil {
		return Message, err
	}
	event.Snapshot = source.Snapshot
	event.FirstInSnapshot = source.First
	event.LSN, event.Commit = source.positionLSN()
	event.Tx = source.Tx.Value
	if len(e.Op) != 1 {
		return Message, errOperation(e.Op)
	}
	if e.Op[0] == 'm' {
		return Message, nil
	}
	if len(source.Schema) == 0 || len(source.Table) == 0 {
		return Message, errors.New("the event names no table: expected source.schema and source.table")
	}
	event.Source = last.intern(source.Schema, source.Table)
	if bytes.IndexByte(source.Schema, 0) >= 0 || bytes.IndexByte(source.Table, 0) >= 0 {
		return Message, ErrNullCharacter
	}
	var err error
	if event.Time, err = source.changeTime(); err != nil {
		return Message, err
	}
	switch e.Op[0] {
	case 'c':
		event.Created = true
		return Create, nil
	case 'u':
		return Update, nil
	case 'r':
		return Read, nil
	case 'd':
		return Delete, nil
	case 't':
		event.Op = change.Truncate
		return Truncate, nil
	}
	return Message, errOperation(e.Op)
}

func errOperation(op []byte) error {
	return fmt.Errorf("op is %.20q: expected c, u, r, d, t or m", op)
}
