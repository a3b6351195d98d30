package connectjson

import (
	"slices"

	"metadb/internal/change"
)

// keyShapes describes the rows of one plan when the record's key has certain
// fields.
type keyShapes struct {
	fields *keyFields
	// row is the shape of a whole row, key that of its key alone. Both are
	// nil if the key has no field that the row has too.
	row, key *change.Shape
	// columns holds the plan's index of each column of the key shape.
	columns []int
}

// shapesFor returns the shapes of p's rows for a record key with the given
// fields, making them when they are new. Shapes are shared among the plans of a
// topic.
func (t *topicCache) shapesFor(p *readPlan, fields *keyFields) *keyShapes {
	for i := range p.shapes {
		if p.shapes[i].fields == fields {
			return &p.shapes[i]
		}
	}
	made := keyShapes{fields: fields}
	for _, name := range fields.names {
		if at, ok := p.index[name]; ok {
			made.columns = append(made.columns, at)
		}
	}
	if len(made.columns) > 0 {
		row := &change.Shape{Key: made.columns, Filled: p.filled}
		for i := range p.columns {
			row.Columns = append(row.Columns, p.columns[i].Column)
		}
		key := &change.Shape{}
		for i, at := range made.columns {
			key.Columns = append(key.Columns, p.columns[at].Column)
			key.Key = append(key.Key, i)
		}
		made.row, made.key = t.shareShape(row), t.shareShape(key)
	}
	if len(p.shapes) >= schemaCacheSize {
		p.shapes = p.shapes[:0]
	}
	p.shapes = append(p.shapes, made)
	return &p.shapes[len(p.shapes)-1]
}

// shareShape returns the cached shape of the topic that equals shape. It caches shape
// itself where no equal one is there.
func (t *topicCache) shareShape(shape *change.Shape) *change.Shape {
	for _, other := range t.shapes {
		if slices.Equal(other.Columns, shape.Columns) && slices.Equal(other.Key, shape.Key) && slices.Equal(other.Filled, shape.Filled) {
			return other
		}
	}
	if len(t.shapes) >= 4*schemaCacheSize {
		t.shapes = t.shapes[:0]
	}
	t.shapes = append(t.shapes, shape)
	return shape
}
