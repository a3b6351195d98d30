package command_test

import "testing"

// TestMappings creates, lists and drops data mappings.
func TestMappings(t *testing.T) {
	t.Parallel()
	f := setUp(t)
	create := func(column, path, target string) string {
		return "create data mapping for json from table library.inventory__ column " + column + " path '" + path + "' to '" + target + "'"
	}
	f.expect(create("jsondata", "$.tags", "tags"),
		"NOTICE path '$.tags' has an effect only when path '$' is mapped too\nNOTICE table library.inventory__ does not exist yet\nCREATE DATA MAPPING")
	_, err := f.db.Pool.Exec(t.Context(), `
create schema library;
create table library.inventory__ (__id bigint, id uuid, jsondata jsonb, n integer);
create table library.inventory__loc__ (id uuid);
create table library.inventory__made (id uuid);
insert into metadb.base_table values ('library', 'inventory', 's', false, '', ''), ('library', 'inventory__made', 's', true, 'library', 'inventory');
insert into metadb.target_table values
  ('library', 'inventory', 'library', 'inventory', 'inventory__', 'h', 's', '{id}'),
  ('library', 'inventory__made', 'library', 'inventory__made', 'inventory__made__', 'h', 's', '{id}')`)
	if err != nil {
		t.Fatal(err)
	}
	f.expect(create("jsondata", "$", "t"),
		"NOTICE the mapping holds for new rows; for those that are there run: refresh data mapping for table library.inventory__\nCREATE DATA MAPPING")
	f.expect(create("jsondata", "$.made", "made"), "NOTICE the mapping holds")
	for _, test := range []struct{ query, want string }{
		{create("jsondata", "$", "u"), `42710 column jsondata of table library.inventory__ has a data mapping for path '$' already (82) drop it first`},
		{create("jsondata", "$.a", "t"), `42710 table library.inventory__ has a data mapping to 't' already (91)`},
		{create("jsondata", "$.a", "T"), `22023 invalid target "T": a target has lower-case letters and digits, and begins with a letter (91)`},
		{create("jsondata", "$.a", "abcdefghijklmnopq"), `22023 invalid target "abcdefghijklmnopq": a target has 1 to 16 characters (91)`},
		{create("jsondata", "a", "a"), `22023 path "a" does not begin with $ and a point (82) examples: '$', '$.metadata', '$.tags.tagList'`},
		{create("jsondata", "$.location", "loc"), `42710 target 'loc' would make table library.inventory__loc, which exists already (98)`},
		{create("data", "$.a", "a"), `42703 table library.inventory__ has no column data (68) columns of type jsonb: "jsondata"`},
		{create("n", "$.a", "a"), `22023 column n has type integer, which is not JSON (68) columns of type jsonb: "jsondata"`},
		{"create data mapping for json from table library.inventory column jsondata path '$' to 'x'", `22023 library.inventory is not the name of a main table (41) library.inventory is the current table; name its main table: library.inventory__`},
		{"create data mapping for json from table library.inventory__made__ column jsondata path '$' to 'x'", `22023 table library.inventory__made__ is made by a mapping itself (41)`},
		{"list data_mappings", "json|library.inventory__|jsondata|$|t\njson|library.inventory__|jsondata|$.made|made\njson|library.inventory__|jsondata|$.tags|tags\nSELECT 3"},
		{"drop data mapping for json from table library.inventory__ column jsondata path '$.x'", `42704 there is no data mapping for table library.inventory__, column jsondata, path '$.x' (80) list data_mappings`},
		{
			"drop data mapping for json from table library.inventory__ column jsondata path '$'",
			"NOTICE path '$.made' has no effect any more\nNOTICE path '$.tags' has no effect any more\nNOTICE rows that are there stay until they change; to end them run: refresh data mapping for table library.inventory__\nDROP DATA MAPPING",
		},
		{"refresh data mapping for table library.inventory__", "0A000 not in this version"},
		{"list data_mappings", "json|library.inventory__|jsondata|$.made|made\njson|library.inventory__|jsondata|$.tags|tags\nSELECT 2"},
	} {
		f.expect(test.query, test.want)
	}
}
