package connectjson

import (
	"fmt"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// fillEvent sets the event's fields from the envelope and the key that were read.
func (d *Decoder) fillEvent(in *decodeState) error {
	operation, err := d.envelope.described.Describe(in.event, &in.topic.table)
	switch {
	case err != nil || operation == debezium.Message:
		return err
	case operation == debezium.Truncate:
		d.retainRecord(in, nil, nil)
		return nil
	case in.keyErr != nil:
		return in.keyErr
	case in.shapes == nil:
		in.event.NoKey = true
		in.event.Reason = "primary key not defined: " + in.Topic
		return nil
	case operation == debezium.Delete:
		return d.fillDelete(in)
	}
	return d.fillUpsert(in, operation)
}

// fillUpsert makes an upsert of the row that was read.
func (d *Decoder) fillUpsert(in *decodeState, operation debezium.Operation) error {
	env, event := &d.envelope, in.event
	if env.afterErr != nil {
		return env.afterErr
	}
	if !env.hasAfter {
		return fmt.Errorf("op is %q, but the event has no row: expected after", env.described.Op)
	}
	row, err := d.completeKey(in)
	if err != nil {
		return err
	}
	event.Complete = !d.rows.hasUnavailable
	oldKey, err := d.readOldKey(in)
	if err != nil {
		if !event.Complete && row.HasUnavailable() {
			return err
		}
		oldKey = nil // it only locates unavailable values, and the row has no such value
	}
	if operation == debezium.Update || oldKey != nil {
		if row, err = d.findOmitted(in, row); err != nil {
			return err
		}
		event.Complete = event.Complete && !in.assumedUnchanged
	}
	event.Op, event.Shape = change.Upsert, in.shapes.row
	event.Notes = d.rows.notes
	if in.plan.notes != nil {
		event.Notes = append(event.Notes, in.plan.notes...)
		in.plan.notes = nil
	}
	d.retainRecord(in, row, oldKey)
	return nil
}

// completeKey returns the row that was read, with the cells of the record's key
// in place of key cells that are NULL or unavailable in the row.
func (d *Decoder) completeKey(in *decodeState) (change.Row, error) {
	row := d.rows.row
	for _, at := range in.shapes.row.Key {
		if cell, _ := row[d.rows.offsets[at]:].Next(); cell.State != change.Present {
			return d.replaceKey(in)
		}
	}
	return row, nil
}

// replaceKey is completeKey for a row that has such a cell.
func (d *Decoder) replaceKey(in *decodeState) (change.Row, error) {
	row := make(change.Row, 0, len(d.rows.row)+64)
	for at, cell := range d.rows.row.Cells() {
		column := &in.plan.columns[at]
		var raw []byte
		if cell.State != change.Present {
			raw = d.key.fieldJSON(column.Name)
		}
		if raw == nil {
			row = change.AppendCell(row, cell)
			continue
		}
		var err error
		if row, err = d.rows.appendKeyCell(column, raw, row); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// fillDelete makes a delete of the record's key.
func (d *Decoder) fillDelete(in *decodeState) error {
	row, err := d.buildKeyRow(in)
	if err != nil {
		return err
	}
	in.event.Op, in.event.Shape = change.Delete, in.shapes.key
	d.retainRecord(in, row, nil)
	return nil
}

// buildKeyRow returns the cells of the record's key; where it lacks one, that of the
// row before the change.
func (d *Decoder) buildKeyRow(in *decodeState) (change.Row, error) {
	var row change.Row
	for _, at := range in.shapes.columns {
		column := &in.plan.columns[at]
		raw := d.key.fieldJSON(column.Name)
		if raw == nil && d.envelope.before != nil {
			var err error
			if raw, err = findMember(d.envelope.before, column.Name); err != nil {
				return nil, err
			}
		}
		if raw == nil {
			row = change.AppendNull(row)
			continue
		}
		var err error
		if row, err = d.rows.appendKeyCell(column, raw, row); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// findMember returns the JSON of an object's member, nil if no member has that name.
func findMember(object []byte, name string) ([]byte, error) {
	s := scanner{data: object}
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var found, value []byte
		if found, err = s.scanName(); err != nil {
			return nil, err
		}
		if value, err = s.skipValue(); err != nil {
			return nil, err
		}
		if string(found) == name {
			return value, nil
		}
		more, err = s.nextElement('}')
	}
	return nil, err
}

// The header that carries a row's key before a change of it.
const oldKeyHeader = "__debezium.oldkey"

// readOldKey returns the cells of the old key in the order of the shape's key, nil
// for a record without that header.
func (d *Decoder) readOldKey(in *decodeState) (change.Row, error) {
	var old []byte
	for i := range in.Headers {
		if in.Headers[i].Name == oldKeyHeader {
			old = in.Headers[i].Value
		}
	}
	if old == nil {
		return nil, nil
	}
	s := scanner{data: old}
	isObject := s.peek() == '{'
	_, err := s.skipValue()
	if err == nil {
		err = s.expectEnd()
	}
	if err != nil || !isObject {
		return nil, fmt.Errorf("the header %s is not a JSON object", oldKeyHeader)
	}
	if p, err := splitValue(old); err == nil && p.schema != nil && p.payload != nil {
		old = p.payload
	}
	row := make(change.Row, 0, len(old)+16*len(in.shapes.columns))
	for _, at := range in.shapes.columns {
		column := &in.plan.columns[at]
		raw, err := findMember(old, column.Name)
		if err != nil {
			return nil, fmt.Errorf("the header %s: %w", oldKeyHeader, err)
		}
		if raw == nil {
			raw = []byte("null")
		}
		if row, err = d.rows.appendKeyCell(column, raw, row); err != nil {
			return nil, fmt.Errorf("the header %s: %w", oldKeyHeader, err)
		}
	}
	return row, nil
}
