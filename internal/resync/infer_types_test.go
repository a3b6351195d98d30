package resync_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/resync"
)

func uuid(n int) string { return fmt.Sprintf("c0ffee00-0000-4000-8000-%012d", n) }

// TestEndsyncInitial ends an initial synchronization with tables that differ in the values of
// their text column.
func TestEndsyncInitial(t *testing.T) {
	r := newRig(t)
	for table, values := range map[string][]string{
		"all":     {uuid(1), uuid(2), ""},
		"history": {uuid(1), uuid(2), "other", uuid(3)}, // the last one ends it
		"upper":   {strings.ToUpper(uuid(1)), uuid(2)},
		"nothing": {"", ""},
		"newline": {uuid(1) + "\n"},
		"viewed":  {uuid(1)},
	} {
		for i, v := range values {
			id := int32(i)
			if table == "history" {
				id = int32(i / 3)
			}
			r.apply(put(table, id, v, change.Micros(1000+i)))
		}
	}
	r.apply(put("history", 0, uuid(9), 2000))
	r.exec("CREATE VIEW public.watch AS SELECT v FROM library.viewed__")
	f, log := &scriptedPrompter{}, &bytes.Buffer{}
	o := resync.EndsyncOptions{Target: sensor, Logger: slog.New(slog.NewTextHandler(log, nil))}
	if _, err := resync.Endsync(t.Context(), r.conn, f, o); err != nil {
		t.Fatal(err)
	}
	f.heard(t, incomplete, beginQuestion)
	r.expect(`SELECT table_name, data_type FROM information_schema.columns
		WHERE table_schema = 'library' AND column_name = 'v' AND table_name LIKE '%\_\_' AND table_name NOT LIKE 'zzz%' ORDER BY 1`,
		"all__ uuid\nhistory__ text\nnewline__ text\nnothing__ text\nupper__ text\nviewed__ text")
	r.expect("SELECT count(*) > 0 FROM pg_indexes WHERE schemaname = 'library' AND tablename = 'all' AND indexdef LIKE '%(v)'", "true")
	r.expect("SELECT v::text FROM library.all WHERE v IS NOT NULL ORDER BY id", uuid(1)+"\n"+uuid(2))
	r.expect("SELECT sync FROM metadb.source", "0")
	r.expect("SELECT count(*) FROM library.all__", "3")
	r.expect("SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'library.all__'::regclass", "true")
	for _, want := range []string{"type of column v changed from text to uuid", "column v has UUIDs only and stays text", "view watch"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}

	// The stream continues, and a text changes the column back to text.
	r.restart()
	r.apply(put("all", 7, "other", 3000))
	r.expect("SELECT v FROM library.all WHERE id = 7", "other")
}
