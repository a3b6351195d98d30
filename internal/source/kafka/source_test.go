package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/testkit/pace"
)

var (
	patron = change.Partition{Topic: "library.patron"}
	loan   = change.Partition{Topic: "library.loan"}
)

func TestReadsFromTheBeginning(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.create("other.topic", 1)
	b.produce(patron.Topic, 0, 5)
	b.produce("other.topic", 0, 1)
	s := b.open("", &storedProgress{})
	defer s.Close()
	h := listen(t, s, func(h *received) bool { return h.has(patron, 0, 4) })
	if begun := h.assigned[patron]; !begun.Fresh || begun.From != 0 || begun.TopicID == (change.TopicID{}) || begun.Gap != nil {
		t.Errorf("began %+v", begun)
	}
	if len(h.offsets) != 1 {
		t.Errorf("read topics that do not match: %v", h.offsets)
	}
}

func TestBeginsAtStoredPositions(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.create(loan.Topic, 1)
	b.produce(patron.Topic, 0, 5)
	b.produce(loan.Topic, 0, 5)
	// The group has committed offsets of both, the database has the position of one.
	for _, topic := range []string{patron.Topic, loan.Topic} {
		offsets := make(kadm.Offsets)
		offsets.AddOffset(topic, 0, 2, -1)
		if _, err := b.admin.CommitOffsets(t.Context(), group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	stored := &storedProgress{}
	stored.store(patron, change.PartitionProgress{Next: 4, HighLSN: 17})
	s := b.open("one", stored)
	defer s.Close()
	h := listen(t, s, func(h *received) bool { return h.has(patron, 4, 4) && h.has(loan, 2, 4) })
	if begun := h.assigned[patron]; begun.Fresh || begun.Stored.HighLSN != 17 || begun.From != 4 {
		t.Errorf("%s began %+v", patron, begun)
	}
	if begun := h.assigned[loan]; !begun.Fresh || begun.From != 2 {
		t.Errorf("%s began %+v", loan, begun)
	}
}

func TestSaysWhenNoTopicMatches(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	s := b.open("", &storedProgress{})
	defer s.Close()
	listen(t, s, func(h *received) bool {
		return slices.ContainsFunc(h.errs, func(err error) bool { return errors.Is(err, ErrNoTopic) })
	})
	// A topic that appears later is found.
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 1)
	listen(t, s, func(h *received) bool { return h.has(patron, 0, 0) })
	// So is a second one, while the first is still read.
	b.create(loan.Topic, 1)
	b.produce(loan.Topic, 0, 1)
	b.produce(patron.Topic, 0, 1)
	listen(t, s, func(h *received) bool { return h.has(loan, 0, 0) && h.has(patron, 1, 1) })
	if err := s.CheckTopics(t.Context()); err != nil {
		t.Errorf("matches: %v", err)
	}
}

func TestGoesOnAfterKill(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 3)
	stored := &storedProgress{}
	killed := b.open("instance", stored)
	listen(t, killed, func(h *received) bool { return h.has(patron, 0, 2) })
	stored.store(patron, change.PartitionProgress{Next: 3})
	// It vanishes without leaving the group: a static member never leaves
	// when its client closes.
	killed.committer.closeCommitter(t.Context())
	killed.client.CloseAllowingRebalance()
	killed.admin.Close()
	b.produce(patron.Topic, 0, 1)

	begin := time.Now()
	s := b.open("instance", stored)
	defer s.Close()
	listen(t, s, func(h *received) bool { return h.has(patron, 3, 3) })
	if took := time.Since(begin); took > pace.Bound(5*time.Second) {
		t.Errorf("the first event came after %s", took)
	}
}

func TestLeavesTheGroup(t *testing.T) {
	t.Parallel()
	for _, instance := range []string{"", "instance"} {
		b := startBroker(t)
		b.create(patron.Topic, 1)
		b.produce(patron.Topic, 0, 3)
		s := b.open(instance, &storedProgress{})
		listen(t, s, func(h *received) bool { return h.has(patron, 0, 2) })
		s.Ack(t.Context(), []change.Span{{Partition: patron, To: change.PartitionProgress{Next: 2}}})
		s.Ack(t.Context(), []change.Span{{Partition: patron, To: change.PartitionProgress{Next: 3}}})
		s.Close()
		info := b.cluster.GroupInfo(group)
		if len(info.Members) != 0 {
			t.Errorf("instance %q is still a member", instance)
		}
		if got := info.Commits[patron.Topic][0].Offset; got != 3 {
			t.Errorf("instance %q: the group's offset is %d, want 3", instance, got)
		}
	}
}

func TestSharesWithAnotherMember(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 4)
	stored := &storedProgress{}
	first := b.open("first", stored)
	defer first.Close()
	listen(t, first, func(h *received) bool { return len(h.assigned) == 4 })
	second := b.open("second", stored)
	defer second.Close()
	// Both members must poll before the rebalance completes.
	done := make(chan *received)
	go func() { done <- listen(t, second, func(h *received) bool { return len(h.assigned) == 2 }) }()
	lost := listen(t, first, func(h *received) bool { return len(h.revoked) == 2 })
	won := <-done
	for part := range won.assigned {
		if !lost.revoked[part] {
			t.Errorf("%s is read by both", part)
		}
	}
}

func TestBrokerGoesAndComes(t *testing.T) {
	t.Parallel()
	port, dir := freePort(t), t.TempDir()
	start := []kfake.Opt{kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites()}
	b := startBroker(t, start...)
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 2)
	s := b.open("instance", &storedProgress{})
	defer s.Close()
	listen(t, s, func(h *received) bool { return h.has(patron, 0, 1) })
	b.cluster.Close()
	listen(t, s, func(h *received) bool { return len(h.errs) > 0 })
	cluster, err := kfake.NewCluster(append(start, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	b.cluster = cluster
	b.produce(patron.Topic, 0, 2)
	listen(t, s, func(h *received) bool { return len(h.offsets[patron]) > 0 && slices.Max(h.offsets[patron]) == 3 })
}

func TestNoticesRetentionWhileStopped(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 9)
	b.deleteBefore(patron, 5)
	stored := &storedProgress{}
	stored.store(patron, change.PartitionProgress{Next: 2})
	s := b.open("", stored)
	defer s.Close()
	h := listen(t, s, func(h *received) bool { return h.has(patron, 5, 8) })
	if gap := h.assigned[patron].Gap; gap == nil || gap.Missing != 3 {
		t.Errorf("gap: %+v, want 3 missing", gap)
	}
}

func TestNoticesRetentionWhileReading(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 2)
	stored := &storedProgress{}
	s := b.open("", stored)
	defer s.Close()
	listen(t, s, func(h *received) bool { return h.has(patron, 0, 1) })
	stored.store(patron, change.PartitionProgress{Next: 2})
	s.Pause([]change.Partition{patron})
	b.produce(patron.Topic, 0, 4)
	b.deleteBefore(patron, 5)
	s.Pause(nil)
	// A fetch that was under way when the partition was paused may have got
	// the first of the new records before they were removed.
	h := listen(t, s, func(h *received) bool { return len(h.offsets[patron]) > 0 && slices.Max(h.offsets[patron]) == 5 })
	if gap := h.assigned[patron].Gap; gap == nil || gap.Missing != 3 {
		t.Errorf("gap: %+v, want 3 missing", gap)
	}
}

func TestNoticesTopicMadeAgain(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	b.produce(patron.Topic, 0, 3)
	stored := &storedProgress{}
	s := b.open("", stored)
	defer s.Close()
	h := listen(t, s, func(h *received) bool { return h.has(patron, 0, 2) })
	stored.store(patron, change.PartitionProgress{Next: 3, TopicID: h.assigned[patron].TopicID})
	if _, err := b.admin.DeleteTopic(t.Context(), patron.Topic); err != nil {
		t.Fatal(err)
	}
	b.create(patron.Topic, 1)
	b.client.PurgeTopicsFromClient(patron.Topic)
	b.produce(patron.Topic, 0, 5)
	h = listen(t, s, func(h *received) bool { return h.has(patron, 0, 4) })
	if gap := h.assigned[patron].Gap; gap == nil {
		t.Error("no gap")
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 2)
	other := change.Partition{Topic: patron.Topic, Number: 1}
	s := b.open("", &storedProgress{})
	defer s.Close()
	listen(t, s, func(h *received) bool { return len(h.assigned) == 2 })
	s.Pause([]change.Partition{patron})
	b.produce(patron.Topic, 0, 3)
	b.produce(patron.Topic, 1, 3)
	h := listen(t, s, func(h *received) bool { return h.has(other, 0, 2) })
	if len(h.offsets[patron]) > 0 {
		t.Errorf("read %v of a paused partition", h.offsets[patron])
	}
	ends, err := s.Ends(t.Context(), nil)
	if err != nil || ends[patron] != 3 || ends[other] != 3 {
		t.Errorf("ends: %v, %v", ends, err)
	}
	s.Pause(nil)
	listen(t, s, func(h *received) bool { return h.has(patron, 0, 2) })
}

// TestPausedPartitionIsLost expects a partition that is revoked while it is paused, and
// assigned again, to be read after the next call of Pause.
func TestPausedPartitionIsLost(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	s := b.open("", &storedProgress{})
	defer s.Close()
	listen(t, s, func(h *received) bool { return len(h.assigned) == 1 })
	s.Pause([]change.Partition{patron})
	b.produce(patron.Topic, 0, 3)
	s.revokePartitions(t.Context(), s.client, map[string][]int32{patron.Topic: {patron.Number}})
	s.Pause(nil)
	listen(t, s, func(h *received) bool { return h.revoked[patron] && h.has(patron, 0, 2) })
}

func TestReadsCommittedTransactionsToTheirEnd(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	producer, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("connect"), kgo.DefaultProduceTopic(patron.Topic))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for _, how := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := producer.ProduceSync(t.Context(), kgo.StringRecord("no envelope")).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := producer.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	s := b.open("", &storedProgress{})
	defer s.Close()
	// Offsets 0 and 1 are aborted, 2 and 5 are the transactions' ends.
	h := listen(t, s, func(h *received) bool { return slices.Contains(h.offsets[patron], 5) })
	if !slices.Equal(h.offsets[patron], []int64{2, 3, 4, 5}) {
		t.Errorf("read %v", h.offsets[patron])
	}
	ends, err := s.Ends(t.Context(), nil)
	if err != nil || ends[patron] != 6 {
		t.Errorf("ends: %v, %v", ends, err)
	}
}

// broken is a decoder with a bug.
type broken struct{ whole Decoder }

func (b broken) DecodeInto(record *debezium.Input, event *change.Event) {
	if string(record.Key) == "1" {
		panic("a bug")
	}
	b.whole.DecodeInto(record, event)
}

func TestBugCostsOneRecord(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 1)
	s := b.open("", &storedProgress{})
	defer s.Close()
	s.decoder = broken{s.decoder}
	var event, next change.Event
	s.decodeRecord(&kgo.Record{Topic: patron.Topic, Offset: 7, Key: []byte("1"), Value: []byte("v"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}}}, &event)
	if event.Op != change.Reject || event.Reason != "decoding failed: a bug" || event.Position.Offset != 7 ||
		string(event.Record.Key) != "1" || string(event.Record.Value()) != "v" || len(event.Record.Headers) != 1 {
		t.Errorf("got %+v", event)
	}
	if s.decodeRecord(&kgo.Record{Topic: patron.Topic, Offset: 8, Key: []byte("2")}, &next); next.Op != change.Ignore {
		t.Errorf("then got %+v", next)
	}
}

func TestClosesWithoutBroker(t *testing.T) {
	t.Parallel()
	for _, instance := range []string{"", "instance"} {
		b := startBroker(t)
		b.create(patron.Topic, 1)
		b.produce(patron.Topic, 0, 1)
		s := b.open(instance, &storedProgress{})
		listen(t, s, func(h *received) bool { return h.has(patron, 0, 0) })
		b.cluster.Close()
		s.Ack(t.Context(), []change.Span{{Partition: patron, To: change.PartitionProgress{Next: 1}}})
		begin := time.Now()
		s.Close()
		if took := time.Since(begin); took > pace.Bound(leaveTimeout+2*time.Second) {
			t.Errorf("instance %q: closing took %s", instance, took)
		}
	}
}

func TestSaysWhatIsWrongWithTheConnection(t *testing.T) {
	t.Parallel()
	b := startBroker(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "right"), kfake.Superuser("SCRAM-SHA-256", "admin", "right"))
	for _, test := range []struct {
		name     string
		brokers  []string
		security Security
		want     string
	}{
		{"right password", b.cluster.ListenAddrs(), Security{Mechanism: "plain", Username: "admin", Password: password("right")}, ErrNoTopic.Error()},
		{"scram", b.cluster.ListenAddrs(), Security{Mechanism: "scram-sha-256", Username: "admin", Password: password("right")}, ErrNoTopic.Error()},
		{"wrong password", b.cluster.ListenAddrs(), Security{Mechanism: "plain", Username: "admin", Password: password("wrong")}, "check sasl_username"},
		{"no encryption there", b.cluster.ListenAddrs(), Security{TLS: true}, "check security"},
		{"nobody there", []string{fmt.Sprintf("127.0.0.1:%d", freePort(t))}, Security{}, "connection refused; check brokers"},
		{"no such host", []string{"kafka.invalid:9092"}, Security{}, "no such host; check brokers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := New(Config{
				Decoder: connectjson.NewDecoder(connectjson.Config{}),
				Brokers: test.brokers, Security: test.security, Topics: []*regexp.Regexp{regexp.MustCompile("^none$")},
				ConsumerGroup: group, LoadProgress: (&storedProgress{}).load, Logger: slog.New(slog.DiscardHandler),
				fetchTimeout: 300 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			begin := time.Now()
			_, err = s.Fetch(t.Context())
			for err == nil && time.Since(begin) < testTimeout {
				_, err = s.Fetch(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if took := time.Since(begin); took > pace.Bound(9*time.Second) {
				t.Errorf("it was said after %s", took)
			}
		})
	}
}

func TestSecurityFiles(t *testing.T) {
	for _, test := range []struct {
		security Security
		want     string
	}{
		{Security{TLS: true, CAFile: "absent.pem"}, "ssl_ca_file"},
		{Security{TLS: true, CAFile: "source_test.go"}, "no certificate in PEM format"},
		{Security{TLS: true, CertFile: "absent.pem"}, "ssl_cert_file"},
		{Security{Mechanism: "gssapi"}, "gssapi"},
	} {
		if _, err := test.security.clientOptions(nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.security, err, test.want)
		}
	}
}

// password always is that one.
func password(p string) func() (string, error) { return func() (string, error) { return p, nil } }
