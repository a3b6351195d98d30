package doctest

import "testing"

// TestAdmin runs every command of docs/admin.md. The page ends with two tables purged while
// their stream runs; the next events create them again.
func TestAdmin(t *testing.T) {
	s := installed(t)
	write := s.inventory()
	write('c', `{"title": "A semantic web primer"}`)
	s.count("SELECT count(*) FROM library.inventory", 1)
	s.run("docs/admin.md", readBlocks(t, "docs/admin.md")...)
	s.count("SELECT count(*) FROM metadb.base_table", 0)
	s.count("SELECT count(*) FROM metadb.transform_json", 0)
	s.count("SELECT count(*) FROM metadb.acl", 0)
	s.count("SELECT count(*) FROM pg_class WHERE relnamespace = 'library'::regnamespace", 0)
	s.feed("metadb_sensor_1", 6)
	write('u', `{"title": "Another one"}`)
	s.count("SELECT count(*) FROM library.patron", 6)
	s.count("SELECT count(*) FROM library.inventory WHERE jsondata->>'title' = 'Another one'", 1)
	s.count("SELECT count(*) FROM metadb.rejected_event", 0)
}
