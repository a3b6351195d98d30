package connectjson

import (
	"strings"

	"metadb/internal/change"
)

// retainRecord gives the event its own copy of the record and of the rows, all in one
// piece of memory.
func (d *Decoder) retainRecord(in *decodeState, row, oldKey change.Row) {
	event := in.event
	head := in.head
	size := len(in.Key) + len(in.Value) - len(head) + len(row) + len(oldKey)
	for i := range in.Headers {
		size += len(in.Headers[i].Value)
	}
	memory := arena{free: make([]byte, size)}
	event.Row = change.Row(memory.copyBytes(row))
	event.OldKey = change.Row(memory.copyBytes(oldKey))
	event.Record.Key = memory.copyBytes(in.Key)
	event.Record.Head = head
	event.Record.Tail = memory.copyBytes(in.Value[len(head):])
	if len(in.Headers) == 0 {
		return
	}
	event.Record.Headers = make([]change.Header, len(in.Headers))
	for i := range in.Headers {
		event.Record.Headers[i] = change.Header{
			Name:  d.headerName(in.Headers[i].Name),
			Value: memory.copyBytes(in.Headers[i].Value),
		}
	}
}

// maxHeaderNames bounds the cached names of headers.
const maxHeaderNames = 64

// headerName returns a copy of a header's name, the same one for the same name.
func (d *Decoder) headerName(name string) string {
	if known, ok := d.headerNames[name]; ok {
		return known
	}
	copied := strings.Clone(name)
	if len(d.headerNames) < maxHeaderNames {
		d.headerNames[copied] = copied
	}
	return copied
}

// arena hands out pieces of one allocation.
type arena struct{ free []byte }

// copyBytes returns a copy of b, nil for nil.
func (a *arena) copyBytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	n := copy(a.free, b)
	piece := a.free[:n:n]
	a.free = a.free[n:]
	return piece
}

// maxReasonBytes bounds the text of a rejection.
const maxReasonBytes = 1000

// rejectRecord makes the event a rejected one. It keeps the fields that could be read,
// and the key if it is readable: endsync needs it to find the record's row.
func (d *Decoder) rejectRecord(in *decodeState, reason error) {
	event := in.event
	event.Op = change.Reject
	event.Reason = strings.ToValidUTF8(strings.ReplaceAll(reason.Error(), "\x00", ""), "\uFFFD")
	if len(event.Reason) > maxReasonBytes {
		event.Reason = strings.ToValidUTF8(event.Reason[:maxReasonBytes], "") + "…"
	}
	var row change.Row
	if in.shapes != nil {
		if key, err := d.buildKeyRow(in); err == nil {
			event.Shape, row = in.shapes.key, key
		}
	}
	d.retainRecord(in, row, nil)
}
