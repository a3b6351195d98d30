package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
)

// TestTimesOutOfRange checks that an event of the year 2200 begins its version at the time of its
// record, that later updates are visible, and that the status has a time of today. Events of
// hundreds of years create few partitions, and do not delay other tables.
func TestTimesOutOfRange(t *testing.T) {
	const years = 290
	f := newTableFaultTest(t)
	at := func(op byte, id int64, name string, at time.Time) eventgen.Record {
		f.patron.lsn += 8
		record, err := f.patron.encoder.Encode(eventgen.Change{Op: op, Row: []any{id, name}, LSN: f.patron.lsn, TxID: int64(f.patron.lsn), Time: at})
		if err != nil {
			t.Fatal(err)
		}
		record.Time = time.Now()
		return record
	}
	write := func(records ...eventgen.Record) {
		t.Helper()
		if err := f.patron.producer.Write(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
	future := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	write(at('u', 1, "from 2200", future), at('u', 1, "now", time.Now()), at('d', 7, "", future))
	f.awaitText(t, current, "1=now")
	f.awaitText(t, "SELECT count(*)::text FROM library.patron__ WHERE __start > now() + interval '1 day' OR __end > now() + interval '1 day' AND NOT __current", "0")
	f.awaitText(t, "SELECT string_agg(name, ',' ORDER BY __start, __id) FROM library.patron__", "Ada,from 2200,now")
	const warning = "table library.patron: the source's time of a change is more than a day ahead"
	f.awaitLog(t, warning)
	if n := strings.Count(f.log.String(), warning); n != 1 {
		t.Errorf("the log warns %d times:\n%s", n, f.log)
	}
	if rows := f.admin(t, "list status"); !strings.HasPrefix(rows[0][5], time.Now().UTC().Format("2006-")) {
		t.Errorf("got %v", rows)
	}

	records := make([]eventgen.Record, years)
	for i := range records {
		records[i] = at('c', int64(i+10), "x", time.Date(1970+i, 6, 1, 0, 0, 0, 0, time.UTC))
	}
	write(records...)
	f.loan.change('u', 1, "B", "")
	f.awaitText(t, loansNow, "1=B")
	const parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'library.zzz___patron___'::regclass"
	f.await(t, "take the years that may be right", func() error {
		var partitions, aside, taken int
		if err := f.db.Pool.QueryRow(t.Context(), parts).Scan(&partitions); err != nil {
			return err
		}
		const counts = "SELECT (SELECT count(*) FROM metadb.rejected_event WHERE kind = 'value'), (SELECT count(*) FROM library.patron WHERE id >= 10)"
		if err := f.db.Pool.QueryRow(t.Context(), counts).Scan(&aside, &taken); err != nil {
			return err
		}
		if aside < 20 || aside+taken != years || partitions > 40 {
			return fmt.Errorf("%d set aside, %d taken, %d partitions", aside, taken, partitions)
		}
		return nil
	})
	f.awaitState(t, "active", "")
}
