package versions

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// standIn gives the test's broker the state of the dump's: topics with records up to the stored
// positions. It stores the ids of these topics in the database.
func (u *upgraded) standIn() {
	u.t.Helper()
	ctx := u.t.Context()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(u.brokers, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		u.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	conn, err := pgx.Connect(ctx, u.m.Database())
	if err != nil {
		u.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	type position struct {
		Topic     string
		Partition int32
		Next      int64
	}
	rows, _ := conn.Query(ctx, "SELECT topic, partition, next_offset FROM metadb.stream_position") // its error is the rows', too
	positions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[position])
	if err != nil || len(positions) == 0 {
		u.t.Fatalf("no positions: %v", err)
	}
	for _, p := range positions {
		// A topic that exists already is not an error.
		if _, err := admin.CreateTopics(ctx, partitions, 1, nil, p.Topic); err != nil {
			u.t.Fatal(err)
		}
		for range p.Next {
			if err := client.ProduceSync(ctx, &kgo.Record{Topic: p.Topic, Partition: p.Partition}).FirstErr(); err != nil {
				u.t.Fatal(err)
			}
		}
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		u.t.Fatal(err)
	}
	for _, topic := range topics {
		u.exec(u.m.Database(), "UPDATE metadb.stream_position SET topic_id = $1 WHERE topic = $2", [16]byte(topic.ID), topic.Topic)
	}
	u.exec(u.m.Database(), "UPDATE metadb.source SET brokers = $1 WHERE brokers = $2", u.brokers, Brokers)
}
