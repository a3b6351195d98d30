package oracle_test

import "metadb/internal/change"

// The tables of the property test: patron has origins, documents and columns
// that are added and dropped; loan a key of two columns that may be NULL; shelf
// changes its key columns; item has numbers and texts that widen, in the key too.
var (
	patron = change.Table{Schema: schema, Name: "patron"}
	loan   = change.Table{Schema: schema, Name: "loan"}
	shelf  = change.Table{Schema: schema, Name: "shelf"}
	item   = change.Table{Schema: schema, Name: "item"}
)

// version is the schema of a table at the source at some time. Its first columns
// are the key.
type version struct {
	key     int
	columns []column
}

func (v version) identity() []column { return v.columns[:v.key] }

// column describes a column and the values that events have in it.
type column struct {
	name   string
	kind   change.Type
	values []any
}

// versions are those of each table, in the order in which they mostly follow.
var versions = map[change.Table][]version{
	patron: {
		{1, []column{{"id", change.SmallInt, []any{1, 2, 3}}, {"name", change.Text, []any{nil, "a", "b"}}, {"doc", change.JSONB, []any{unavailable{}, `{"a": 1}`, `{"a":1}`, `{"b": 2, "a": 1}`, `{"a":1,"b":2}`}}}},
		{1, []column{{"id", change.Integer, []any{1, 2, 3}}, {"name", change.Text, []any{nil, "a", "b"}}, {"doc", change.JSONB, []any{unavailable{}, `1`, `1.0`}}, {"n", change.SmallInt, []any{nil, 1, 2}}}},
		{1, []column{{"id", change.Integer, []any{1, 2, 3}}, {"doc", change.JSONB, []any{unavailable{}, `1`}}, {"n", change.BigInt, []any{unavailable{}, 1, 2}}, {"name", change.Text, []any{unavailable{}, "a"}}}},
		{1, []column{{"id", change.Integer, []any{1, 2, 3}}, {"name", change.Text, []any{unavailable{}, "a"}}, {"n", change.Numeric, []any{nil, 1, 2}}}},
		{1, []column{{"id", change.BigInt, []any{1, 2, 3}}, {"name", change.Text, []any{unavailable{}, "a"}}, {"n", change.Text, []any{unavailable{}, "1", "1.0"}}}},
	},
	loan: {
		{2, []column{{"item", change.Text, []any{"x", "y"}}, {"copy", change.Integer, []any{nil, 1}}, {"due", change.Integer, []any{1, 2}}, {"note", change.Text, []any{unavailable{}, "a", "b"}}}},
		{2, []column{{"item", change.Text, []any{"x", "y"}}, {"copy", change.Integer, []any{nil, 1}}, {"due", change.Numeric, []any{1, 2}}, {"note", change.Text, []any{unavailable{}, "a", "b"}}}},
	},
	shelf: {
		{2, []column{{"room", change.Text, []any{"r", "s"}}, {"place", change.Integer, []any{1, 2}}, {"floor", change.Integer, []any{nil, 1}}, {"label", change.Text, []any{unavailable{}, "a", "b"}}}},
		{1, []column{{"room", change.Text, []any{"r", "s"}}, {"place", change.Integer, []any{1, 2}}, {"floor", change.Integer, []any{nil, 1}}, {"label", change.Text, []any{unavailable{}, "a", "b"}}}},
		{3, []column{{"room", change.Text, []any{"r", "s"}}, {"place", change.Numeric, []any{1, 2}}, {"floor", change.Integer, []any{nil, 1}}, {"label", change.Text, []any{unavailable{}, "a", "b"}}}},
	},
	item: {
		{1, []column{{"id", change.Integer, []any{1, 2}}, {"price", change.Real, []any{nil, 0.1, 1e20}}, {"count", change.SmallInt, []any{1, 2}}, {"ref", change.UUID, []any{unavailable{}, uuid}}}},
		{1, []column{{"id", change.BigInt, []any{1, 2}}, {"price", change.Double, []any{unavailable{}, 0.1, 1e-20}}, {"count", change.Real, []any{1.0, 2.5}}, {"ref", change.Text, []any{unavailable{}, uuid}}}},
		{1, []column{{"id", change.BigInt, []any{1, 2}}, {"price", change.Integer, []any{unavailable{}, 7}}, {"count", change.BigInt, []any{1, 2}}, {"ref", change.Text, []any{uuid, "none"}}}},
		{1, []column{{"id", change.Integer, []any{1, 2}}, {"price", change.Numeric, []any{unavailable{}, 3}}, {"count", change.SmallInt, []any{1, unavailable{}}}, {"ref", change.UUID, []any{uuid}}}},
		{1, []column{{"id", change.Text, []any{"1", "2", "z"}}, {"price", change.Boolean, []any{unavailable{}, true}}, {"count", change.Text, []any{"1", unavailable{}}}}},
	},
}

const uuid = "7f1a9c52-0000-4000-8000-0123456789ab"

// shapes are those of versions, of whole rows and of keys alone.
var shapes, keyShapes = makeShapes()

func makeShapes() (rows, keys map[change.Table][]*change.Shape) {
	rows, keys = make(map[change.Table][]*change.Shape), make(map[change.Table][]*change.Shape)
	for name, list := range versions {
		for _, v := range list {
			row, key := &change.Shape{}, &change.Shape{}
			for i, c := range v.columns {
				row.Columns = append(row.Columns, change.Column{Name: c.name, Type: c.kind})
				if i < v.key {
					row.Key, key.Key = append(row.Key, i), append(key.Key, i)
				}
			}
			key.Columns = row.Columns[:v.key]
			rows[name], keys[name] = append(rows[name], row), append(keys[name], key)
		}
	}
	return rows, keys
}

// widest returns the columns that a row is identified by in any version.
func widest(name change.Table) []string {
	var names []string
	for _, v := range versions[name] {
		if v.key <= len(names) {
			continue
		}
		names = names[:0]
		for _, c := range v.identity() {
			names = append(names, c.name)
		}
	}
	return names
}
