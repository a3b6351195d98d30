//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/pace"
)

// record is the folder to which TestRecordBacklog writes its recording.
var record = flag.String("record", "", "folder that TestRecordBacklog writes, "+
	"for testdata/corpus/backlog; none skips it")

// firstAccounts inserts the rows that the snapshot reads.
const firstAccounts = "INSERT INTO b.acct SELECT g, 0, repeat(md5(g::text), 100) FROM generate_series(1, 200) g"

// TestRecordBacklog records Debezium's events in a topic of four partitions after a backlog:
// sessions insert, update, change keys and truncate while the Connect worker is down.
func TestRecordBacklog(t *testing.T) {
	if *record == "" {
		t.Skip("it writes a recording, for -record")
	}
	const name, topic = "metadb_backlog_1", "metadb_backlog_1.b.acct"
	s := startStackOf(t, 4)
	s.source.exec(t, accounts...)
	s.source.exec(t, firstAccounts)
	config := s.source.connector(name)
	config["table.include.list"] = "b.acct"
	s.connect.createConnector(t, name, config)
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.awaitRecords(t, client, topic, 200)

	s.connect.kill(t)
	s.source.writeAccounts(t, 1, 80)
	var written int
	// The rows of the snapshot were inserted. A delete has a tombstone, a change of key a
	// delete and an insert.
	const count = `SELECT sum(CASE WHEN op = 'DELETE' THEN 2 WHEN op = 'UPDATE' AND old_id <> new_id THEN 3 ELSE 1 END)::int FROM b.log`
	if err := s.source.pool.QueryRow(t.Context(), count).Scan(&written); err != nil {
		t.Fatal(err)
	}
	records := s.read(t, client, s.awaitRecords(t, client, topic, written))

	write(t, filepath.Join(*record, "events.jsonl.gz"), records)
	var rows []string
	for _, table := range []string{"acct", "log"} {
		lines, err := queryTexts(t.Context(), s.source.pool, fmt.Sprintf(`SELECT json_build_object('schema', 'b', 'table', '%[1]s',
			'text', (SELECT json_object_agg(key, value) FROM json_each_text(row_to_json(r))), 'json', row_to_json(r))::text FROM b.%[1]s r ORDER BY 1`, table))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			rows = append(rows, line[0])
		}
	}
	write(t, filepath.Join(*record, "source.jsonl.gz"), rows)
	for file, text := range map[string]string{
		"before.sql":           strings.Join(append(slices.Clone(accounts), firstAccounts, ""), ";\n"),
		"connector.properties": "table.include.list=b.acct\n",
	} {
		if err := os.WriteFile(filepath.Join(*record, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitRecords waits until a topic has so many records and gets no more, and returns their
// number.
func (s *stack) awaitRecords(t *testing.T, client *kgo.Client, topic string, n int) int {
	t.Helper()
	total, since := 0, time.Now()
	eventually(t, pace.Hang, "the records are written", func() error {
		ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
		if err != nil {
			return err
		}
		now := 0
		ends.Each(func(o kadm.ListedOffset) { now += int(o.Offset) })
		if now != total {
			total, since = now, time.Now()
		}
		if total < n || time.Since(since) < 5*time.Second {
			return fmt.Errorf("%d of %d", total, n)
		}
		return nil
	})
	return total
}

// read reads n records, as lines of the corpus, by partition and offset.
func (s *stack) read(t *testing.T, client *kgo.Client, n int) []string {
	t.Helper()
	var records []*kgo.Record
	for len(records) < n {
		fetches := client.PollFetches(t.Context())
		if err := errors.Join(fetches.Err()); err != nil {
			t.Fatal(err)
		}
		records = append(records, fetches.Records()...)
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	lines := make([]string, len(records))
	for i, r := range records {
		headers := []string{}
		for _, header := range r.Headers {
			headers = append(headers, header.Key, string(header.Value))
		}
		line, err := json.Marshal(struct {
			Topic     string   `json:"topic"`
			Partition int32    `json:"partition"`
			Offset    int64    `json:"offset"`
			TS        int64    `json:"ts"`
			Headers   []string `json:"headers"`
			Key       *string  `json:"key"`
			Value     *string  `json:"value"`
		}{r.Topic, r.Partition, r.Offset, r.Timestamp.UnixMilli(), headers, optional(r.Key), optional(r.Value)})
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(line)
	}
	return lines
}

// optional returns bytes as text; nil for nil.
func optional(octets []byte) *string {
	if octets == nil {
		return nil
	}
	text := string(octets)
	return &text
}

// write writes lines to a gzipped file.
func write(t *testing.T, file string, lines []string) {
	t.Helper()
	var compressed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, err = writer.Write([]byte(strings.Join(lines, "\n") + "\n"))
	if err = errors.Join(err, writer.Close(), os.MkdirAll(filepath.Dir(file), 0o755)); err == nil {
		err = os.WriteFile(file, compressed.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
