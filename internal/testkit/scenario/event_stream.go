package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"metadb/internal/testkit/eventgen"
)

// lsnStep is how far the log of the source advances with each change.
const lsnStep = 100

// Record is a record with its partition and offset.
type Record struct {
	eventgen.Record
	Partition int32
	Offset    int64
}

// Stream turns the lines of events sections into records. It keeps tables, offsets
// and the position in the source's log from one section to the next.
type Stream struct {
	prefix   string
	encoders map[string]*eventgen.Encoder
	lsn      uint64
	next     map[string]int64
	sent     []Record
}

// NewStream returns a stream with the topic prefix "p1".
func NewStream() *Stream {
	return &Stream{prefix: "p1", encoders: map[string]*eventgen.Encoder{}, next: map[string]int64{}}
}

// Records parses an events section.
func (s *Stream) Records(body string) ([]Record, error) {
	from := len(s.sent)
	for number, text := range strings.Split(body, "\n") {
		if text = strings.TrimSpace(text); text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if err := s.readLine(&line{rest: text}); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", number+1, text, err)
		}
	}
	return slices.Clone(s.sent[from:]), nil
}

func (s *Stream) readLine(l *line) error {
	switch first := l.takeWord(); first {
	case "connector":
		s.prefix = l.takeWord()
		return nil
	case "source":
		return s.declareTable(l)
	case "again":
		return s.resendLast(l)
	default:
		at, err := ParseTime(first)
		if err != nil {
			return err
		}
		return s.readChange(l, at)
	}
}

// resendLast sends the last n records once more, under new offsets.
func (s *Stream) resendLast(l *line) error {
	n, err := strconv.Atoi(l.takeWord())
	if err != nil || n < 1 || n > len(s.sent) {
		return fmt.Errorf("again: expected how many of the %d records", len(s.sent))
	}
	for _, record := range slices.Clone(s.sent[len(s.sent)-n:]) {
		s.appendRecord(record.Record, record.Partition)
	}
	return nil
}

// declareTable reads "source S.T (name kind [key], …)".
func (s *Stream) declareTable(l *line) error {
	name := l.takeWord()
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		return fmt.Errorf("expected schema.table, not %q", name)
	}
	columns, err := l.takeList()
	if err != nil {
		return err
	}
	definition := eventgen.Table{Prefix: s.prefix, Schema: schema, Name: table}
	for i, column := range columns {
		words := strings.Fields(column.text)
		if len(words) < 2 {
			return fmt.Errorf("expected a name and a type, not %q", column.text)
		}
		kindName, scale, err := splitScale(words[1])
		if err != nil {
			return err
		}
		kind, ok := eventgen.ParseKind(kindName)
		if !ok {
			return fmt.Errorf("unknown type %q", words[1])
		}
		one := eventgen.Column{Name: words[0], Kind: kind, Scale: scale}
		for _, word := range words[2:] {
			switch word {
			case "key":
				definition.Key = append(definition.Key, i)
			case "required":
				one.Required = true
			case "default":
				one.Default = `"0"`
			default:
				return fmt.Errorf("unknown property %q of column %s: key, required or default", word, words[0])
			}
		}
		definition.Columns = append(definition.Columns, one)
	}
	s.encoders[name], err = eventgen.NewEncoder(definition)
	return err
}

// splitScale splits "decimal:2" into kind and scale.
func splitScale(word string) (kind string, scale int, err error) {
	kind, digits, ok := strings.Cut(word, ":")
	if !ok {
		return word, 0, nil
	}
	scale, err = strconv.Atoi(digits)
	return kind, scale, err
}

// readChange reads the rest of a line after the time: operation, subject and options.
func (s *Stream) readChange(l *line, at time.Time) error {
	s.lsn += lsnStep
	operation := l.takeWord()
	if operation == "raw" {
		return s.readRawRecord(l, at)
	}
	name := l.takeWord()
	encoder := s.encoders[name]
	if encoder == nil {
		return fmt.Errorf("no source table %s", name)
	}
	c := eventgen.Change{Op: operation[0], Time: at, LSN: s.lsn, TxID: 1}
	var moved []any
	switch operation {
	case "c", "u", "r", "d":
		row, err := s.readRowValues(l, encoder.Table())
		if err != nil {
			return err
		}
		c.Row = row
	case "move":
		old, err := s.readRowValues(l, encoder.Table())
		if err != nil {
			return err
		}
		if !l.acceptText("->") {
			return fmt.Errorf("expected -> and the new row")
		}
		if moved, err = s.readRowValues(l, encoder.Table()); err != nil {
			return err
		}
		c.Op, c.Row, c.NewKey = 'd', old, pickColumns(moved, encoder.Table().Key)
	case "t":
	default:
		return fmt.Errorf("unknown operation %q: c, u, r, d, t, move or raw", operation)
	}
	partition, err := readOptions(l, &c)
	if err != nil {
		return err
	}
	if moved == nil {
		return s.sendChange(encoder, c, partition)
	}
	if err := s.sendChange(encoder, c, partition); err != nil {
		return err
	}
	c.OldKey, c.NewKey, c.Op, c.Row = pickColumns(c.Row, encoder.Table().Key), nil, 'c', moved
	return s.sendChange(encoder, c, partition)
}

// sendChange sends a change, and the tombstone that follows a delete.
func (s *Stream) sendChange(encoder *eventgen.Encoder, c eventgen.Change, partition int32) error {
	record, err := encoder.Encode(c)
	if err != nil {
		return err
	}
	s.appendRecord(record, partition)
	if c.Op != 'd' || len(encoder.Table().Key) == 0 {
		return nil
	}
	if record, err = encoder.Tombstone(c); err != nil {
		return err
	}
	s.appendRecord(record, partition)
	return nil
}

// readRawRecord reads "raw TOPIC KEY VALUE", a literal record. The word null stands for an
// absent key or value.
func (s *Stream) readRawRecord(l *line, at time.Time) error {
	record := eventgen.Record{Topic: l.takeWord(), Time: at}
	for _, part := range []*[]byte{&record.Key, &record.Value} {
		value, err := l.takeLiteral(" ")
		if err != nil {
			return err
		}
		if value.quoted || value.text != "null" {
			*part = []byte(value.text)
		}
	}
	s.appendRecord(record, 0)
	return nil
}

func (s *Stream) appendRecord(record eventgen.Record, partition int32) {
	at := fmt.Sprintf("%s/%d", record.Topic, partition)
	s.sent = append(s.sent, Record{Record: record, Partition: partition, Offset: s.next[at]})
	s.next[at]++
}

// readRowValues reads the values of a row. A delete may give the first columns alone; the
// rest is NULL, as with the ordinary replica identity.
func (s *Stream) readRowValues(l *line, table eventgen.Table) ([]any, error) {
	values, err := l.takeList()
	if err != nil {
		return nil, err
	}
	if len(values) > len(table.Columns) {
		return nil, fmt.Errorf("%d values for %d columns", len(values), len(table.Columns))
	}
	row := make([]any, len(table.Columns))
	for i, value := range values {
		if !value.quoted && value.text == "null" {
			continue
		}
		if !value.quoted && value.text == "unavailable" {
			row[i] = eventgen.Unavailable{}
			continue
		}
		if row[i], err = eventgen.ParseValue(table.Columns[i].Kind, value.text); err != nil {
			return nil, fmt.Errorf("column %s: %w", table.Columns[i].Name, err)
		}
	}
	return row, nil
}

func pickColumns(row []any, columns []int) []any {
	picked := make([]any, len(columns))
	for i, column := range columns {
		picked[i] = row[column]
	}
	return picked
}

// readOptions reads "name=value …" at the end of a line.
func readOptions(l *line, c *eventgen.Change) (partition int32, err error) {
	for !l.isEmpty() {
		name, value, _ := strings.Cut(l.takeWord(), "=")
		switch name {
		case "snapshot":
			c.Snapshot = value
		case "lsn":
			if c.LSN, err = strconv.ParseUint(value, 10, 64); err != nil {
				return 0, fmt.Errorf("lsn: %w", err)
			}
		case "partition":
			number, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return 0, fmt.Errorf("partition: %w", err)
			}
			partition = int32(number)
		default:
			return 0, fmt.Errorf("unknown option %q: snapshot, lsn or partition", name)
		}
	}
	return partition, nil
}
