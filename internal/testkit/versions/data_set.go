package versions

import (
	"fmt"
	"time"

	"metadb/internal/testkit/eventgen"
)

// LongName is the name of a table; the names of its partitions have to be shortened.
const LongName = "a_table_whose_name_is_so_long_that_its_years_are_shortened_here"

// The topic prefixes of the connectors: two of the source "sensor", one of "circ" and one of
// "acq".
const (
	firstSensor, secondSensor            = "sensor_1", "sensor_2"
	circulationPrefix, acquisitionPrefix = "circ_1", "acq_1"
)

// sourceTables returns the source tables by a short name, with the connector's prefix.
func sourceTables(prefix string) map[string]eventgen.Table {
	integer, text := eventgen.Integer, eventgen.Text
	table := func(schema, name string, key []int, columns ...eventgen.Column) eventgen.Table {
		return eventgen.Table{Prefix: prefix, Schema: schema, Name: name, Key: key, Columns: columns}
	}
	item := []eventgen.Column{{Name: "id", Kind: eventgen.UUID}, {Name: "doc", Kind: eventgen.JSON}, {Name: "shelf", Kind: text}}
	return map[string]eventgen.Table{
		"patron": table("library", "patron", []int{0}, eventgen.Column{Name: "id", Kind: integer}, eventgen.Column{Name: "name", Kind: text},
			eventgen.Column{Name: "balance", Kind: eventgen.Decimal, Scale: 2}, eventgen.Column{Name: "since", Kind: eventgen.TimestampTZ}),
		"loan": table("library", "loan", []int{0, 1}, eventgen.Column{Name: "patron_id", Kind: integer}, eventgen.Column{Name: "item_id", Kind: eventgen.UUID},
			eventgen.Column{Name: "due", Kind: eventgen.Date}, eventgen.Column{Name: "__id", Kind: integer}),
		"note":       table("library", "note", []int{0}, eventgen.Column{Name: "code", Kind: text}, eventgen.Column{Name: "body", Kind: text}),
		"item":       table("library", "item", []int{0}, item...),
		"east":       table("east_library", "item", []int{0}, item...),
		"order line": table("library", "Order Line", []int{0}, eventgen.Column{Name: "Line No.", Kind: eventgen.BigInt}, eventgen.Column{Name: "Größe", Kind: eventgen.Double}),
		"long":       table("library", LongName, []int{0}, eventgen.Column{Name: "id", Kind: integer}, eventgen.Column{Name: "flag", Kind: eventgen.Boolean}),
		"fee": table("circulation", "fee", []int{0}, eventgen.Column{Name: "id", Kind: integer}, eventgen.Column{Name: "amount", Kind: eventgen.Numeric},
			eventgen.Column{Name: "receipt", Kind: eventgen.Bytea}),
		"invoice": table("acquisition", "invoice", []int{0}, eventgen.Column{Name: "id", Kind: integer}, eventgen.Column{Name: "vendor", Kind: text}),
	}
}

// connectorStream creates the records of a connector, each later than the one before. The
// records of a snapshot share the lsn and the time of its beginning.
type connectorStream struct {
	prefix   string
	tables   map[string]eventgen.Table
	encoders map[string]*eventgen.Encoder
	lsn      uint64
	time     time.Time
}

// newConnectorStream returns the stream of a connector, with changes after an lsn.
func newConnectorStream(prefix string, lsn uint64) *connectorStream {
	return &connectorStream{prefix: prefix, tables: sourceTables(prefix), encoders: make(map[string]*eventgen.Encoder), lsn: lsn}
}

// setTime sets the time of the changes that follow.
func (s *connectorStream) setTime(year int, month time.Month, day int) *connectorStream {
	s.time = time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	return s
}

// addColumn adds a column to a source table.
func (s *connectorStream) addColumn(name string, column eventgen.Column) {
	table := s.tables[name]
	table.Columns = append(table.Columns, column)
	s.tables[name] = table
	delete(s.encoders, name)
}

// encodeChange returns the record of one change.
func (s *connectorStream) encodeChange(table string, change eventgen.Change) (eventgen.Record, error) {
	encoder := s.encoders[table]
	if encoder == nil {
		var err error
		if encoder, err = eventgen.NewEncoder(s.tables[table]); err != nil {
			return eventgen.Record{}, err
		}
		s.encoders[table] = encoder
	}
	if change.Op != 'r' {
		s.lsn += 8
		s.time = s.time.Add(time.Second)
	}
	change.LSN, change.TxID, change.Time = s.lsn, int64(s.lsn), s.time
	record, err := encoder.Encode(change)
	if err != nil {
		return eventgen.Record{}, fmt.Errorf("record of %s: %w", table, err)
	}
	return record, nil
}

// itemID returns the n-th id of an item.
func itemID(n int) string { return fmt.Sprintf("8f0e4c1a-0000-4000-8000-%012d", n) }

// itemDocument returns the JSON of the n-th item in an edition.
func itemDocument(n, edition int) string {
	return fmt.Sprintf(`{"title": "Item %d", "copies": %d, "metadata": {"createdDate": "2024-01-0%dT08:00:00Z"}, "tags": ["t%d", "edition %d"]}`,
		n, edition, n%9+1, n, edition)
}
