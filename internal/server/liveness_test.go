package server

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/datasource"
	"metadb/internal/instance"
)

func TestHeartbeatTopics(t *testing.T) {
	t.Parallel()
	all := []string{
		"__debezium-heartbeat.sensor", "__debezium-heartbeat.sensor_2", "__debezium-heartbeat.other", "beats",
		"sensor.lib.loan", "sensor.metadb_heart.beat_1", "sensor_2.lib.loan", "zebra.metadb_heart.beat_1",
	}
	matched := []string{"sensor.lib.loan", "sensor.metadb_heart.beat_1"}
	for name, test := range map[string]struct {
		options datasource.Options
		want    []string
	}{
		"of the prefix":        {datasource.Options{}, []string{"__debezium-heartbeat.sensor"}},
		"named":                {datasource.Options{HeartbeatTopic: "beats"}, []string{"beats"}},
		"named, not there":     {datasource.Options{HeartbeatTopic: "none"}, []string{}},
		"with a table":         {datasource.Options{HeartbeatTable: "metadb_heart.beat 1"}, []string{"__debezium-heartbeat.sensor", "sensor.metadb_heart.beat_1"}},
		"a table and a topic":  {datasource.Options{HeartbeatTopic: "beats", HeartbeatTable: "metadb_heart.beat 1"}, []string{"beats", "sensor.metadb_heart.beat_1"}},
		"a table of elsewhere": {datasource.Options{HeartbeatTable: "lib.item"}, []string{"__debezium-heartbeat.sensor"}},
	} {
		if got := heartbeatTopics(all, matched, &test.options); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// beat writes a record to a topic with a time that is ago before now.
func (f *feed) beat(topic string, ago time.Duration) {
	f.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.broker.Address()), kgo.AllowAutoTopicCreation())
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: topic, Value: []byte(`{"schema":{},"payload":{"ts_ms":1}}`), Timestamp: time.Now().Add(-ago)}
	if err := client.ProduceSync(f.t.Context(), record).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// TestLastSign checks the time of the last sign: that of heartbeats, or of events if heartbeats
// are old. Without heartbeats it is unknown.
func TestLastSign(t *testing.T) {
	f := newFeed(t)
	o := datasource.New("sensor")
	o.Brokers, o.Security, o.Topics = f.broker.Address(), datasource.SecurityPlaintext, `^sensor\.`
	expressions, err := o.TopicExpressions()
	if err != nil {
		t.Fatal(err)
	}
	const minute = time.Minute
	signs := make(lifeSigns)
	expect := func(what string, ago time.Duration) {
		t.Helper()
		last, err := signs.loadLastSign(t.Context(), instance.SecretKey{}, o, o, expressions)
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(last); ago == 0 && !last.IsZero() || ago > 0 && (got < ago-minute || got > ago+minute) {
			t.Errorf("%s: %s ago, want %s", what, got, ago)
		}
	}
	f.beat("sensor.library.patron", 300*minute)
	f.beat("__debezium-heartbeat.other", minute)
	expect("without heartbeats", 0)
	f.beat("__debezium-heartbeat.sensor", 200*minute)
	expect("a heartbeat", 200*minute)
	f.beat("sensor.library.loan", 100*minute)
	expect("an event after it", 100*minute)
	f.beat("__debezium-heartbeat.sensor", 3*minute)
	expect("another heartbeat", 3*minute)
}

// TestSignFromTheFuture checks that a record with a time in the future is a sign of life when it
// comes, and does not hide later silence.
func TestSignFromTheFuture(t *testing.T) {
	f := newFeed(t)
	o := datasource.New("sensor")
	o.Brokers, o.Security, o.Topics = f.broker.Address(), datasource.SecurityPlaintext, `^sensor\.`
	expressions, err := o.TopicExpressions()
	if err != nil {
		t.Fatal(err)
	}
	signs := make(lifeSigns)
	last := func() time.Time {
		t.Helper()
		at, err := signs.loadLastSign(t.Context(), instance.SecretKey{}, o, o, expressions)
		if err != nil || at.After(time.Now()) {
			t.Fatalf("%s, %v", at, err)
		}
		return at
	}
	const hour, century = time.Hour, 100 * 365 * 24 * time.Hour
	f.beat("sensor.library.patron", 5*hour)
	f.beat("__debezium-heartbeat.sensor", -century)
	began := time.Now()
	first := last()
	if time.Since(first) > time.Minute {
		t.Errorf("the first look: %s", first)
	}
	for part, moved := range signs {
		signs[part] = movement{end: moved.end, since: began.Add(-3 * hour)} // three hours pass
	}
	if got := last(); !got.Equal(began.Add(-3 * hour)) {
		t.Errorf("nothing came: %s, %s", got, first)
	}
	f.beat("sensor.library.patron", hour)
	if got := time.Since(last()); got < hour-time.Minute || got > hour+time.Minute {
		t.Errorf("an event came an hour ago: %s", got)
	}
	f.beat("__debezium-heartbeat.sensor", 2*hour)
	if got := last(); got.Before(began) {
		t.Errorf("another heartbeat came: %s", got)
	}
}

// TestSilent checks that a connector without heartbeats is shown as silent and logged, until it
// writes again or silence_warning is off.
func TestSilent(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, strings.TrimSuffix(f.source(), ")")+", silence_warning '5 min')")
	f.beat("sensor.library.empty", time.Hour) // rejected: it is no envelope
	f.beat("__debezium-heartbeat.sensor", time.Hour)
	r.awaitState(t, "silent", "neither an event nor a heartbeat since 20")
	r.awaitLog(t, `WARNING:  source "sensor": neither an event nor a heartbeat since`)
	f.beat("__debezium-heartbeat.sensor", 0)
	r.awaitState(t, "active", "")
	r.admin(t, "alter data source sensor options (set silence_warning '1 s')")
	r.awaitState(t, "silent", "does the connector run?")
	r.admin(t, "alter data source sensor options (set silence_warning 'off')")
	r.awaitState(t, "active", "")
}

// TestHeartbeatTable checks that the events of the heartbeat table create no table and are not
// counted, and that events after them are applied.
func TestHeartbeatTable(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, strings.TrimSuffix(f.source(), ")")+", heartbeat_table 'library.patron')")
	f.change('c', 1, "a", "")
	r.awaitText(t, "SELECT next_offset::text FROM metadb.stream_position", "1")
	rows := r.admin(t, "list status")
	if rows[0][6] != "0" {
		t.Errorf("events: %v", rows)
	}
	r.awaitText(t, "SELECT count(*)::text FROM metadb.base_table", "0")
}
