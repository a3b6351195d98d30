package connectjson

import (
	"bytes"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// schemaCacheSize is the number of schemas cached for each topic. Debezium alternates between
// two or three while a table is being altered.
const schemaCacheSize = 4

// topicCache is the cache of one topic: compiled schemas, forms of keys, shapes.
type topicCache struct {
	values []valueSchema
	keys   []*keyFields
	shapes []*change.Shape
	// table is the source table that the last event named, to share its
	// strings.
	table debezium.TableName
}

// valueSchema is a schema with its plan.
type valueSchema struct {
	// head is the beginning of a value up to its payload, nil if the schema
	// came in a value that is ordered otherwise.
	head []byte
	// schema is the text of the schema, nil where it is in head.
	schema []byte
	plan   *readPlan
}

// findByHead returns the schema with which value begins, nil if it is not known.
func (t *topicCache) findByHead(value []byte) *valueSchema {
	for i := range t.values {
		if head := t.values[i].head; head != nil && bytes.HasPrefix(value, head) {
			return t.moveToFront(i)
		}
	}
	return nil
}

// moveToFront moves entry i to the front, where it is found soonest, and returns it.
func (t *topicCache) moveToFront(i int) *valueSchema {
	if i > 0 {
		entry := t.values[i]
		copy(t.values[1:i+1], t.values[:i])
		t.values[0] = entry
	}
	return &t.values[0]
}

// cacheSchema returns the plan for a value that was split, and caches it with its head.
func (t *topicCache) cacheSchema(value []byte, p valueParts) *valueSchema {
	for i := range t.values {
		known := &t.values[i]
		if bytes.Equal(known.head, value[:p.head]) && (p.head > 0 || bytes.Equal(known.schema, p.schema)) {
			return t.moveToFront(i)
		}
	}
	entry := valueSchema{}
	if p.head > 0 {
		entry.head = bytes.Clone(value[:p.head])
	} else {
		entry.schema = bytes.Clone(p.schema)
	}
	entry.plan = compilePlan(p.schema)
	if len(t.values) < schemaCacheSize {
		t.values = append(t.values, valueSchema{})
	}
	t.values[len(t.values)-1] = entry
	return t.moveToFront(len(t.values) - 1)
}

// valueParts are the halves of a value.
type valueParts struct {
	schema  []byte
	payload []byte
	// head is how many bytes come before the payload if they are nothing
	// but the schema, and nothing but the end follows the payload; 0 if the
	// value is ordered otherwise.
	head int
}

// splitValue takes a value apart, in whatever order its halves are.
func splitValue(value []byte) (valueParts, error) {
	var p valueParts
	s := scanner{data: value}
	members, start := 0, 0
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return valueParts{}, err
		}
		s.peek()
		start = s.pos
		var raw []byte
		if raw, err = s.skipValue(); err != nil {
			return valueParts{}, err
		}
		if err = p.setPart(&s, string(name), raw); err != nil {
			return valueParts{}, err
		}
		members++
		more, err = s.nextElement('}')
	}
	if err != nil {
		return valueParts{}, err
	}
	if err := s.expectEnd(); err != nil {
		return valueParts{}, err
	}
	if members == 2 && p.schema != nil && p.payload != nil && &p.payload[0] == &value[start] {
		p.head = start
	}
	return p, nil
}

// setPart keeps a member that is one of the halves.
func (p *valueParts) setPart(s *scanner, name string, raw []byte) error {
	half := &p.schema
	switch name {
	case "schema":
	case "payload":
		half = &p.payload
	default:
		return nil
	}
	if *half != nil {
		return s.syntaxError(name + " appears twice")
	}
	*half = raw
	return nil
}
