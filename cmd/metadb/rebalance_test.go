package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// TestRebalanceDuringASnapshot has another member join the consumer group during a snapshot and
// take partitions. The snapshot is not complete before Metadb has them again.
func TestRebalanceDuringASnapshot(t *testing.T) {
	const rows = 400
	broker, producer := testbed.StartBroker(t, 4)
	db := pgtest.New(t)
	step := &steps{t: t, m: installOn(t, db), db: db, broker: broker.Address()}
	s := unconfirmed(t, step, producer, 1, rows)
	step.expect("endsync data source sensor", "library.shelf_00 400 360 40")

	var held atomic.Int64
	other, err := kgo.NewClient(kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
		for _, numbers := range parts {
			held.Add(int64(len(numbers)))
		}
	}), kgo.SeedBrokers(strings.Split(broker.Address(), ",")...), kgo.ConsumerGroup("metadb_sensor_2_1"),
		kgo.ConsumeTopics("metadb_sensor_2.library.shelf_00"), kgo.Balancers(kgo.CooperativeStickyBalancer()))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	step.admin("sync data source sensor")
	err = testbed.Eventually(t.Context(), pace.Hang, "give partitions to another member", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		other.PollFetches(ctx)
		if held.Load() == 0 {
			return errors.New("it has none")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.snapshot()
	// The partitions that Metadb has left are unknown, so the end is written to each.
	for id := range int64(20) {
		if _, exists := s.rows[0][id]; exists {
			s.write(s.encode(0, 'r', "last", id))
		}
	}
	if err := step.m.AwaitLog(t.Context(), pace.Hang, 0, "is not given to this server: the end of the snapshot waits for it"); err != nil {
		t.Fatal(err)
	}
	step.await("SELECT complete IS NULL, (SELECT count(DISTINCT __id) FROM library.zzz___shelf_00___sync) < 360 FROM metadb.resync", "[true true]")
	other.Close()
	step.await("SELECT complete FROM metadb.resync", "[last record received]")
	step.expect("endsync data source sensor", "library.shelf_00 360 360 0")
	step.stop()
}
