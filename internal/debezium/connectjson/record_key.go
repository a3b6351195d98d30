package connectjson

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// keyFields are the fields of a record's key, in their order.
type keyFields struct {
	// head is the beginning of a key up to its payload, as for values; nil
	// for a key without a schema.
	head  []byte
	names []string
}

// recordKey is a record's key, read but not converted.
type recordKey struct {
	fields *keyFields
	// cells holds the JSON of each field, nil if the payload lacks it.
	cells [][]byte
}

// fieldJSON returns the JSON of the field with the given name, nil if it is absent.
func (k *recordKey) fieldJSON(name string) []byte {
	for i, field := range k.fields.names {
		if field == name {
			return k.cells[i]
		}
	}
	return nil
}

// errKey is the error for a record's key that Debezium would not write.
var errKey = errors.New(`the record's key is not a JSON object: expected {"schema":…,"payload":{…}} of Kafka's JSON converter`)

// readKey reads a record's key into k; the cells of k alias it. It reports false
// for a key that is null.
func (t *topicCache) readKey(k *recordKey, key []byte) (bool, error) {
	for _, known := range t.keys {
		if known.head != nil && bytes.HasPrefix(key, known.head) {
			s := scanner{data: key, pos: len(known.head), depth: 1}
			if k.readFields(&s, known) == nil && s.expect('}') == nil && s.expectEnd() == nil {
				return true, nil
			}
		}
	}
	return t.readUnknownKey(k, key)
}

// readUnknownKey reads a key of a form that is not in the cache, and adds the form.
func (t *topicCache) readUnknownKey(k *recordKey, key []byte) (bool, error) {
	s := scanner{data: key}
	kind := s.peek()
	p := valueParts{}
	whole, err := s.skipValue()
	if err == nil {
		err = s.expectEnd()
	}
	if err == nil && kind == '{' {
		p, err = splitValue(key)
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", errKey, err)
	}
	switch {
	case p.payload == nil || p.schema == nil:
		p = valueParts{payload: whole}
	case string(p.schema) == "null":
		// A key with "schema":null. The next key may have other fields: its
		// beginning is not cached.
		p = valueParts{payload: p.payload}
	}
	if string(p.payload) == "null" {
		return false, nil
	}
	if p.payload[0] != '{' {
		return false, errKey
	}
	names, err := p.fieldNames()
	if err != nil {
		return false, err
	}
	s = scanner{data: p.payload}
	return true, k.readFields(&s, t.rememberKey(key[:p.head], names))
}

// fieldNames returns the names of a key's fields: those of its schema, or of its
// payload where the schema is absent.
func (p *valueParts) fieldNames() ([]string, error) {
	if p.schema == nil {
		return memberNames(p.payload)
	}
	s, err := parseSchema(p.schema)
	if err != nil {
		return nil, fmt.Errorf("the record's key: %w", err)
	}
	if s == nil || s.Type != typeStruct {
		return nil, errKey
	}
	names := make([]string, 0, len(s.Fields))
	for _, field := range s.Fields {
		if field == nil {
			return nil, errKey
		}
		name, err := field.fieldName()
		if err != nil {
			return nil, fmt.Errorf("the record's key: %w", err)
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("the record's key has two fields named %.70q", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// memberNames returns the names of an object's members in their order.
func memberNames(object []byte) ([]string, error) {
	var names []string
	s := scanner{data: object}
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		name, err := s.scanName()
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, string(name)) {
			return nil, fmt.Errorf("the record's key has two fields named %.70q", name)
		}
		names = append(names, string(name))
		if _, err = s.skipValue(); err != nil {
			return nil, err
		}
		if more, err = s.nextElement('}'); err != nil {
			return nil, err
		}
	}
	return names, err
}

// rememberKey returns the fields with the given names, the same ones for the
// same names as long as they are cached.
func (t *topicCache) rememberKey(head []byte, names []string) *keyFields {
	for _, known := range t.keys {
		if slices.Equal(known.names, names) && bytes.Equal(known.head, head) {
			return known
		}
	}
	fields := &keyFields{names: names}
	if len(head) > 0 {
		fields.head = bytes.Clone(head)
	}
	if len(t.keys) >= schemaCacheSize {
		t.keys = append(t.keys[:0], t.keys[1:]...)
	}
	t.keys = append(t.keys, fields)
	return fields
}

// readFields reads the members of a key with the given fields, in any order. It returns
// an error for a member that is not among the fields.
func (k *recordKey) readFields(s *scanner, fields *keyFields) error {
	k.fields = fields
	k.cells = k.cells[:0]
	for range fields.names {
		k.cells = append(k.cells, nil)
	}
	next := 0
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return err
		}
		at := fields.fieldIndex(name, next)
		if at < 0 || k.cells[at] != nil {
			return fmt.Errorf("the record's key has a field %.70q that its schema does not have, or has it twice", name)
		}
		if k.cells[at], err = s.skipValue(); err != nil {
			return err
		}
		next = at + 1
		more, err = s.nextElement('}')
	}
	return err
}

// fieldIndex returns the index of a field, -1 if no field has that name. It looks at
// next first.
func (f *keyFields) fieldIndex(name []byte, next int) int {
	if next < len(f.names) && f.names[next] == string(name) {
		return next
	}
	for i, known := range f.names {
		if known == string(name) {
			return i
		}
	}
	return -1
}
