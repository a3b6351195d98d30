package debezium_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/source/kafka"
)

// lineDecoder decodes a wire format of lines: the schemas of the columns stand beside their values,
// and nothing is JSON. It reads a line only; everything that Debezium means by it is asked of
// package debezium.
//
//	op=u|schema=library|table=loan|lsn=5|ts_us=1790000000000000|key=id|id:int32:=7|due:int32:io.debezium.time.Date=20000
type lineDecoder struct{ table debezium.TableName }

var _ kafka.Decoder = (*lineDecoder)(nil)

func (d *lineDecoder) DecodeInto(in *debezium.Input, e *change.Event) {
	*e = change.Event{
		Position: change.Position{Partition: change.Partition{Topic: in.Topic, Number: in.Partition}, Offset: in.Offset},
		Record:   change.Record{Time: in.Time},
	}
	if err := d.read(in, e); err != nil {
		e.Op, e.Reason = change.Reject, err.Error()
	}
}

func (d *lineDecoder) read(in *debezium.Input, e *change.Event) error {
	envelope, key := debezium.Envelope{}, ""
	shape, row := &change.Shape{}, change.Row{}
	for field := range strings.SplitSeq(string(in.Value), "|") {
		name, value, _ := strings.Cut(field, "=")
		source := &envelope.Source
		switch name {
		case "op":
			envelope.Op = []byte(value)
		case "schema":
			source.Schema = []byte(value)
		case "table":
			source.Table = []byte(value)
		case "snapshot":
			source.Snapshot, source.First = debezium.SnapshotPhaseOf([]byte(value))
		case "lsn":
			source.LSN = number(value)
		case "ts_us":
			source.Micros = number(value)
		case "key":
			key = value
		default:
			parts := strings.Split(name, ":")
			column, cell, err := convertLine(parts, value, row)
			if err != nil {
				return fmt.Errorf("column %q: %w", parts[0], err)
			}
			if row = cell; parts[0] == key {
				shape.Key = append(shape.Key, len(shape.Columns))
			}
			shape.Columns, shape.Filled = append(shape.Columns, column), append(shape.Filled, true)
		}
	}
	operation, err := envelope.Describe(e, &d.table)
	if err != nil || operation != debezium.Create && operation != debezium.Update && operation != debezium.Read {
		return err
	}
	e.Op, e.Shape, e.Row, e.Complete = change.Upsert, shape, row, true
	debezium.BoundTime(e, in.Time, in.Time.UTC)
	return nil
}

func number(text string) debezium.OptionalInteger {
	value, err := strconv.ParseInt(text, 10, 64)
	return debezium.OptionalInteger{Value: value, Given: err == nil}
}

// convertLine appends the cell of a value: parts are the column's name, Connect's type and the
// semantic type.
func convertLine(parts []string, value string, row change.Row) (change.Column, change.Row, error) {
	if len(parts) != 3 {
		return change.Column{}, nil, errors.New("no name, type and semantic type")
	}
	c, known := debezium.ConversionOf(parts[2], parts[1], nil)
	column := change.Column{Name: parts[0], Type: c.Type}
	var err error
	switch {
	case !known:
		return change.Column{Name: parts[0], Type: change.Text}, change.AppendValue(row, []byte(value)), nil
	case c.PlainText:
		return column, change.AppendValue(row, []byte(value)), nil
	case c.Integer != nil && number(value).Given:
		row, err = c.Integer(row, number(value).Value)
	case c.Text != nil:
		row, err = c.Text(row, []byte(value))
	default:
		err = errors.New("the value is of another form")
	}
	return column, row, err
}

// TestWireFormat decodes the same changes from lines and from JSON: the events are the same, and so
// are the reasons for rejecting one.
func TestWireFormat(t *testing.T) {
	const schema = `{"schema":{"type":"struct","fields":[{"type":"struct","optional":true,"field":"after","fields":[` +
		`{"type":"string","optional":false,"field":"id","name":"io.debezium.data.Enum"},` +
		`{"type":"int32","optional":false,"field":"due","name":"io.debezium.time.Date"},` +
		`{"type":"string","optional":false,"field":"at","name":"io.debezium.time.ZonedTimestamp"}]},` +
		`{"type":"struct","field":"source"},{"type":"string","field":"op"}]},"payload":`
	for name, test := range map[string]struct{ line, payload, reason string }{
		"update": {
			line:    "op=u|schema=library|table=loan|lsn=5|ts_us=1790000000000000|key=id|id:string:io.debezium.data.Enum=a|due:int32:io.debezium.time.Date=20000|at:string:io.debezium.time.ZonedTimestamp=2026-12-01T12:00:00Z",
			payload: `{"after":{"id":"a","due":20000,"at":"2026-12-01T12:00:00Z"},"source":{"schema":"library","table":"loan","lsn":5,"ts_us":1790000000000000},"op":"u"}`,
		},
		"first of a snapshot, an infinite date": {
			line:    "op=r|schema=library|table=loan|snapshot=first|ts_us=1790000000000000|key=id|id:string:io.debezium.data.Enum=a|due:int32:io.debezium.time.Date=2146033979|at:string:io.debezium.time.ZonedTimestamp=infinity",
			payload: `{"after":{"id":"a","due":2146033979,"at":"infinity"},"source":{"schema":"library","table":"loan","snapshot":"first","ts_us":1790000000000000},"op":"r"}`,
		},
		"no date": {
			line:    "op=c|schema=library|table=loan|ts_us=1790000000000000|key=id|id:string:io.debezium.data.Enum=a|due:int32:io.debezium.time.Date=1|at:string:io.debezium.time.ZonedTimestamp=soon",
			payload: `{"after":{"id":"a","due":1,"at":"soon"},"source":{"schema":"library","table":"loan","ts_us":1790000000000000},"op":"c"}`,
			reason:  `column "at": the text is no date or time in ISO 8601`,
		},
		"no table": {
			line: "op=c", payload: `{"source":{},"op":"c"}`,
			reason: "the event names no table: expected source.schema and source.table",
		},
		"unknown operation": {
			line: "op=x|schema=library|table=loan|ts_us=1790000000000000", payload: `{"source":{"schema":"library","table":"loan","ts_us":1790000000000000},"op":"x"}`,
			reason: `op is "x": expected c, u, r, d, t or m`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := debezium.Input{Topic: "library.loan", Time: 1790000000000000}
			in.Value = []byte(test.line)
			var got change.Event
			new(lineDecoder).DecodeInto(&in, &got)
			in.Key, in.Value = []byte(`{"id":"a"}`), []byte(schema+test.payload+"}")
			want := connectjson.NewDecoder(connectjson.Config{}).Decode(&in)
			if got.Reason != test.reason || want.Reason != test.reason {
				t.Fatalf("reasons are %q and %q, want %q", got.Reason, want.Reason, test.reason)
			}
			if test.reason != "" {
				return
			}
			if !reflect.DeepEqual(got.Shape, want.Shape) || !bytes.Equal(got.Row, want.Row) {
				t.Errorf("got %v %x, JSON gives %v %x", got.Shape, got.Row, want.Shape, want.Row)
			}
			got.Shape, got.Row, got.Record, want.Shape, want.Row, want.Record = nil, nil, change.Record{}, nil, nil, change.Record{}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, JSON gives %+v", got, want)
			}
		})
	}
}
