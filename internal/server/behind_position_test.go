package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"metadb/internal/testkit/pgtest"
)

// TestStandbyBehind replaces the database by an earlier one, as by a standby that lacks a
// partition's first position, while the consumer group in Kafka has a later offset.
func TestStandbyBehind(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	i, patron := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	f := &tableFaultTest{running: i.start(t), patron: patron, loan: patron.another(loans())}
	f.admin(t, patron.source())
	patron.change('c', 1, "Ada", "")
	f.awaitText(t, current, "1=Ada")
	data, earlier := filepath.Join(cluster.Dir(), "data"), filepath.Join(cluster.Dir(), "earlier")
	replace := func(end func() error, files func() error) {
		t.Helper()
		for _, step := range []func() error{end, files, func() error { return cluster.Start(t.Context()) }} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace(cluster.Stop, exec.Command("cp", "-a", data, earlier).Run)

	f.loan.change('c', 1, "A", "")
	f.loan.change('c', 2, "B", "")
	f.loan.change('u', 1, "C", "")
	f.awaitText(t, loansNow, "1=C 2=B")
	f.awaitCommitted(t, "sensor.library.loan", 3)

	replace(cluster.Crash, func() error {
		if err := os.RemoveAll(data); err != nil {
			return err
		}
		return os.Rename(earlier, data)
	})
	f.awaitText(t, loansNow, "1=C 2=B")
	f.awaitText(t, "SELECT count(*)::text FROM library.loan__", "3")
	f.awaitLog(t, "the database has forgotten the position of sensor.library.loan/0: it is read again from offset 0")
	patron.change('u', 1, "Eve", "")
	f.awaitText(t, versions, "2")
	f.awaitState(t, "active", "")

	// If only the position was lost, no version is stored twice.
	f.loan.change('u', 2, "D", "")
	f.awaitCommitted(t, "sensor.library.loan", 4)
	f.exec(t, "DELETE FROM metadb.stream_position WHERE topic = 'sensor.library.loan'")
	f.loan.change('u', 2, "E", "")
	f.awaitText(t, loansNow, "1=C 2=E")
	f.awaitText(t, "SELECT string_agg(id || '=' || name, ' ' ORDER BY id, __start) FROM library.loan__", "1=A 1=C 2=B 2=D 2=E")
}

// awaitCommitted waits until the consumer group has committed an offset.
func (f *tableFaultTest) awaitCommitted(t *testing.T, topic string, offset int64) {
	t.Helper()
	admin := f.patron.admin()
	f.await(t, "commit to Kafka", func() error {
		offsets, err := admin.FetchOffsets(t.Context(), "sensor_1")
		if err != nil {
			return err
		}
		if got, _ := offsets.Lookup(topic, 0); got.At != offset {
			return fmt.Errorf("%s is at %d", topic, got.At)
		}
		return nil
	})
}
