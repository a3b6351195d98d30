package rejected

import (
	"metadb/internal/change"
	"metadb/internal/datatype"
)

// keyForms are the two forms of a record's key by which the records of a row are found: the bytes
// of the record's key, and the canonical form. Where a key can be written in several ways its bytes
// differ from record to record; a key that can't be read has no canonical form.
type keyForms struct {
	topic             string
	record, canonical []byte
}

// keyFormsOf returns the forms of an event's key.
func keyFormsOf(e *change.Event) keyForms {
	return keyForms{topic: e.Position.Partition.Topic, record: e.Record.Key, canonical: canonicalKey(e)}
}

// oldKeyFormsOf returns the forms of the key that an event's row had before.
func oldKeyFormsOf(e *change.Event) keyForms {
	return keyForms{topic: e.Position.Partition.Topic, record: oldRecordKey(e), canonical: canonicalOldKey(e)}
}

// canonicalKey returns the table, origin and key of an event's row in a form that is equal for keys
// that are equal by PostgreSQL's =, nil where one of the three is unknown. The types are those of
// the source, not the stored ones.
func canonicalKey(e *change.Event) []byte {
	if e.Shape == nil || len(e.Shape.Key) == 0 || e.Table == (change.Table{}) {
		return nil
	}
	key := appendTable(nil, e)
	for _, at := range e.Shape.Key {
		key = appendKeyColumn(key, e.Shape.Columns[at], e.Row.Cell(at))
	}
	return key
}

// canonicalOldKey returns the canonical form of the key that an event's row had before. The cells
// of OldKey are in the order of the key.
func canonicalOldKey(e *change.Event) []byte {
	if e.OldKey == nil || e.Shape == nil {
		return nil
	}
	key := appendTable(nil, e)
	rest := e.OldKey
	for _, at := range e.Shape.Key {
		var cell change.Cell
		cell, rest = rest.Next()
		key = appendKeyColumn(key, e.Shape.Columns[at], cell)
	}
	return key
}

func appendTable(dst []byte, e *change.Event) []byte {
	for _, name := range []string{e.Table.Schema, e.Table.Name, string(e.Origin)} {
		dst = append(append(dst, name...), 0)
	}
	return dst
}

func appendKeyColumn(dst []byte, column change.Column, cell change.Cell) []byte {
	dst = append(append(dst, column.Name...), 0)
	return datatype.KeyBytes(dst, column.Type, cell)
}
