package eventgen

import (
	"fmt"
	"strconv"
	"time"
)

// Change is one change of a row, or a truncate of its table.
type Change struct {
	// Op is Debezium's operation: c, u, d, r or t.
	Op byte
	// Row holds a value for each column, in their order: the row after the
	// change, or for a delete the row before it. Empty for a truncate.
	Row []any
	// NewKey has the new key's values in a delete that is the first half of a
	// change of key, OldKey the old key's values in the insert that is the second.
	NewKey, OldKey []any
	// Time is when the source made the change.
	Time time.Time
	LSN  uint64
	// Commit is the lsn of the last commit before the change's transaction, the
	// first element of source.sequence; 0 is null.
	Commit uint64
	TxID   int64
	// Snapshot is source.snapshot; empty stands for "false".
	Snapshot string
}

// Record is a Kafka record.
type Record struct {
	Topic      string
	Key, Value []byte
	Headers    []Header
	Time       time.Time
}

// Header is a header of a record.
type Header struct {
	Name  string
	Value []byte
}

// Encoder makes the records of one table. It is not safe for concurrent use.
type Encoder struct {
	table Table
	// keyHead and valueHead are the beginnings of key and value up to the payload.
	keyHead, valueHead []byte
}

// NewEncoder returns an encoder for a table.
func NewEncoder(table Table) (*Encoder, error) {
	key, err := table.keySchema()
	if err != nil {
		return nil, fmt.Errorf("schema of %s's key: %w", table.Topic(), err)
	}
	value, err := table.valueSchema()
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", table.Topic(), err)
	}
	return &Encoder{table: table, keyHead: payloadHead(key), valueHead: payloadHead(value)}, nil
}

func payloadHead(schema []byte) []byte {
	return fmt.Appendf(nil, `{"schema":%s,"payload":`, schema)
}

// Table returns the table that the encoder was made for.
func (e *Encoder) Table() Table { return e.table }

// Encode makes the record of a change.
func (e *Encoder) Encode(change Change) (Record, error) {
	record := Record{Topic: e.table.Topic(), Time: change.Time}
	if change.Op != 't' && len(change.Row) != len(e.table.Columns) {
		return Record{}, fmt.Errorf("%s: a row of %d values for %d columns", record.Topic, len(change.Row), len(e.table.Columns))
	}
	var err error
	if change.Op != 't' && len(e.table.Key) > 0 {
		if record.Key, err = e.encodeKey(e.keyOf(change.Row)); err != nil {
			return Record{}, err
		}
	}
	if record.Value, err = e.encodeValue(change); err != nil {
		return Record{}, err
	}
	if record.Headers, err = e.makeHeaders(change); err != nil {
		return Record{}, err
	}
	return record, nil
}

// Tombstone makes the record that follows a delete: a key without a value.
func (e *Encoder) Tombstone(change Change) (Record, error) {
	record := Record{Topic: e.table.Topic(), Time: change.Time}
	var err error
	if record.Key, err = e.encodeKey(e.keyOf(change.Row)); err != nil {
		return Record{}, err
	}
	record.Headers, err = e.makeHeaders(change)
	return record, err
}

// keyOf picks the key's values out of a row.
func (e *Encoder) keyOf(row []any) []any {
	key := make([]any, len(e.table.Key))
	for i, column := range e.table.Key {
		key[i] = row[column]
	}
	return key
}

func (e *Encoder) encodeKey(values []any) ([]byte, error) {
	dst := append(make([]byte, 0, len(e.keyHead)+64), e.keyHead...)
	dst, err := e.appendKey(dst, values)
	return append(dst, '}'), err
}

// appendKey appends a key's payload.
func (e *Encoder) appendKey(dst []byte, values []any) ([]byte, error) {
	columns := make([]Column, len(e.table.Key))
	for i, column := range e.table.Key {
		columns[i] = e.table.Columns[column]
	}
	return appendStruct(dst, columns, values)
}

func appendStruct(dst []byte, columns []Column, values []any) ([]byte, error) {
	separator := byte('{')
	var err error
	for i, column := range columns {
		dst = append(dst, separator)
		if dst, err = appendString(dst, column.Name); err != nil {
			return nil, err
		}
		dst = append(dst, ':')
		if dst, err = appendValue(dst, column, values[i]); err != nil {
			return nil, err
		}
		separator = ','
	}
	if separator == '{' {
		dst = append(dst, '{')
	}
	return append(dst, '}'), nil
}

func (e *Encoder) encodeValue(change Change) ([]byte, error) {
	dst := append(make([]byte, 0, len(e.valueHead)+2048), e.valueHead...)
	var err error
	switch change.Op {
	case 'c', 'u', 'r':
		dst = append(dst, `{"before":null,"after":`...)
		dst, err = appendStruct(dst, e.table.Columns, change.Row)
	case 'd':
		dst = append(dst, `{"before":`...)
		if dst, err = appendStruct(dst, e.table.Columns, change.Row); err == nil {
			dst = append(dst, `,"after":null`...)
		}
	case 't':
		dst = append(dst, `{"before":null,"after":null`...)
	default:
		err = fmt.Errorf("%s: unknown operation %q", e.table.Topic(), change.Op)
	}
	if err != nil {
		return nil, err
	}
	dst = append(dst, `,"source":`...)
	if dst, err = e.appendSource(dst, change); err != nil {
		return nil, err
	}
	dst = append(dst, `,"transaction":null,"op":"`...)
	dst = append(dst, change.Op, '"')
	return append(appendTimes(dst, change.Time), "}}"...), nil
}

func (e *Encoder) appendSource(dst []byte, change Change) ([]byte, error) {
	snapshot := change.Snapshot
	if snapshot == "" {
		snapshot = "false"
	}
	var err error
	dst = append(dst, `{"version":"3.7.0.Final","connector":"postgresql","name":`...)
	if dst, err = appendString(dst, e.table.Prefix); err != nil {
		return nil, err
	}
	dst = append(dst, `,"snapshot":`...)
	if dst, err = appendString(dst, snapshot); err != nil {
		return nil, err
	}
	dst = append(dst, `,"db":"source","sequence":"[`...)
	if change.Commit == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = appendPosition(dst, change.Commit)
	}
	dst = append(appendPosition(append(dst, ','), change.LSN), `]"`...)
	dst = appendTimes(dst, change.Time)
	dst = append(dst, `,"schema":`...)
	if dst, err = appendString(dst, e.table.Schema); err != nil {
		return nil, err
	}
	dst = append(dst, `,"table":`...)
	if dst, err = appendString(dst, e.table.Name); err != nil {
		return nil, err
	}
	dst = append(dst, `,"txId":`...)
	dst = strconv.AppendInt(dst, change.TxID, 10)
	dst = append(dst, `,"lsn":`...)
	if change.LSN == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendUint(dst, change.LSN, 10)
	}
	return append(dst, `,"xmin":null,"origin":null,"origin_lsn":null}`...), nil
}

// appendPosition appends an lsn as an element of source.sequence, which is in a string itself.
func appendPosition(dst []byte, lsn uint64) []byte {
	return append(strconv.AppendUint(append(dst, `\"`...), lsn, 10), `\"`...)
}

// appendTimes appends a time in the three resolutions that Debezium gives.
func appendTimes(dst []byte, at time.Time) []byte {
	dst = append(dst, `,"ts_ms":`...)
	dst = strconv.AppendInt(dst, at.UnixMilli(), 10)
	dst = append(dst, `,"ts_us":`...)
	dst = strconv.AppendInt(dst, at.UnixMicro(), 10)
	dst = append(dst, `,"ts_ns":`...)
	return strconv.AppendInt(dst, at.UnixNano(), 10)
}

// makeHeaders returns the headers of a record: the context that every record of
// Debezium 3.7 has, and those of a change of key.
func (e *Encoder) makeHeaders(change Change) ([]Header, error) {
	var headers []Header
	for _, half := range []struct {
		name string
		key  []any
	}{{"__debezium.newkey", change.NewKey}, {"__debezium.oldkey", change.OldKey}} {
		if half.key == nil {
			continue
		}
		value, err := e.appendKey(nil, half.key)
		if err != nil {
			return nil, err
		}
		headers = append(headers, Header{half.name, value})
	}
	return append(headers,
		Header{"__debezium.context.connectorLogicalName", []byte(e.table.Prefix)},
		Header{"__debezium.context.taskId", []byte("0")},
		Header{"__debezium.context.connectorName", []byte("postgresql")},
		Header{"__debezium.context.runId", []byte("01a202d8-9d93-7d5a-a54b-24a0b5e0ed5d")},
	), nil
}
