package resync_test

import (
	"fmt"
	"log/slog"
	"testing"

	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/catalog"
)

// TestEndsyncWithoutTemporaryTables has event triggers that refuse temporary tables at the
// start of a statement or at its end, or refuse to drop them. endsync succeeds, with and
// without a running server.
func TestEndsyncWithoutTemporaryTables(t *testing.T) {
	for name, trigger := range map[string]string{
		"all statements": `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ask the administrators'; END $$;
			CREATE EVENT TRIGGER refuse ON ddl_command_start EXECUTE FUNCTION public.refuse()`,
		"temporary tables": `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
				IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name LIKE 'pg_temp%') THEN RAISE EXCEPTION 'no temporary tables'; END IF; END $$;
			CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION public.refuse()`,
		"dropping tables": `CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nothing is dropped'; END $$;
			CREATE EVENT TRIGGER refuse ON sql_drop EXECUTE FUNCTION public.refuse()`,
	} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, live %t", name, live), func(t *testing.T) {
				r := filled(t)
				r.exec(trigger)
				// Lists of ended sessions, one of them with the process id of this one.
				r.exec("INSERT INTO metadb.unconfirmed SELECT n, 0, c.__id, c.__start FROM library.tag c, generate_series(0, 100000) n WHERE c.id = 1")
				r.restart()
				r.sync()
				var events []change.Event
				for id := int32(1); id < 10; id++ {
					for _, table := range []string{"loan", "patron", "tag"} {
						events = append(events, confirm(put(table, id, "a", 3000)))
					}
				}
				r.apply(events...)
				r.exec("UPDATE metadb.resync SET complete = 'last record received'")
				o := resync.EndsyncOptions{Target: sensor, Force: true, DryRun: true, Logger: slog.New(slog.DiscardHandler)}
				counts, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o)
				if err != nil {
					t.Fatal(err)
				}
				if got := showCounts(counts) + fmt.Sprint(counts[0].Sample, counts[2].Sample); got != "[{library.loan 10 9} {library.patron 10 9} {library.tag 10 9}][(0)] [(0)]" {
					t.Errorf("dry run: %s", got)
				}
				ended := "0"
				if o.DryRun = false; live {
					store := catalog.NewStore()
					if err := store.Load(t.Context(), r.db.Pool); err != nil {
						t.Fatal(err)
					}
					calls := 0
					o.Server = &resync.RunningServer{Store: store, Exclusively: func(do func() error) error {
						if calls++; calls == 1 { // the stream confirms one row and adds unconfirmed ones
							r.apply(confirm(put("loan", 0, "a", 4000)), put("loan", 7, "b", 4000), put("loan", 8, "b", 4000))
						}
						return do()
					}}
					ended = "7\n8"
				}
				if _, err := resync.Endsync(t.Context(), r.conn, &scriptedPrompter{}, o); err != nil {
					t.Fatal(err)
				}
				const gone = "SELECT DISTINCT id FROM library.%s__ WHERE __end BETWEEN now() - interval '1 hour' AND now() + interval '1 hour' ORDER BY 1"
				r.expect(fmt.Sprintf(gone, "loan"), ended)
				r.expect(fmt.Sprintf(gone, "patron"), "0")
				r.expect(fmt.Sprintf(gone, "tag"), "0")
				r.expect("SELECT sync FROM metadb.source", "0")
				if name != "dropping tables" { // with it temporary tables are created
					r.expect(fmt.Sprintf("SELECT count(*) FROM metadb.unconfirmed WHERE session IN (0, %d)", r.conn.PgConn().PID()), "0")
				}
				r.exec("DROP EVENT TRIGGER refuse")
			})
		}
	}
}
