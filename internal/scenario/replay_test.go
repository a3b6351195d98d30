package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
	"metadb/internal/checkpoint"
	"metadb/internal/corpus"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/pgtest"
	"metadb/internal/pipeline"
	"metadb/internal/rig"
	"metadb/internal/source/kafka"
)

// replayLimit bounds the replay of one recording.
const replayLimit = 60 * time.Second

// batchSizes are the batches that a recording is replayed in; the tables must be
// the same with each.
func batchSizes() []int { return []int{1, 7, 10_000} }

// replay is a recording on its way through a broker and the whole data path.
type replay struct {
	*line
	name    string
	address string
	size    int
}

// newReplay writes a recording to a broker of its own.
func newReplay(t *testing.T, name string, size int) *replay {
	t.Helper()
	records := corpus.Events(t, name)
	topics := map[string]bool{}
	for _, record := range records {
		topics[record.Topic] = true
	}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, slices.Sorted(maps.Keys(topics))...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	r := &replay{
		line: newLine(t, pgtest.New(t), datasourceOptions(t), nil), name: name, size: size, address: broker.ListenAddrs()[0],
	}
	r.batchEvents = size
	r.write(t, records)
	return r
}

func (r *replay) write(t *testing.T, records []corpus.Record) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(r.address))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	var batch []*kgo.Record
	for _, record := range records {
		k := &kgo.Record{
			Topic: record.Topic, Partition: record.Partition, Key: record.Key, Value: record.Value,
			Timestamp: time.UnixMilli(record.Millis),
		}
		for _, header := range record.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		batch = append(batch, k)
	}
	if err := producer.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// follow reads the topics that match until nothing is left, and stops. Of
// records that change nothing the position need not be stored: that takes a
// while.
func (r *replay) follow(t *testing.T, topics, group string, inResync bool) {
	t.Helper()
	source, err := kafka.New(kafka.Config{
		Brokers: []string{r.address}, Topics: []*regexp.Regexp{regexp.MustCompile(topics)}, ConsumerGroup: group,
		Marks: func(ctx context.Context, parts []change.Partition) (map[change.Partition]change.Mark, error) {
			return checkpoint.Load(ctx, r.db.Pool, sourceName, group, parts)
		},
		Logger: slog.New(r.log),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	r.start(t, &sliced{Source: source, size: r.size}, group, inResync)
	want := map[string]int64{}
	for _, record := range corpus.Events(t, r.name) {
		if regexp.MustCompile(topics).MatchString(record.Topic) {
			want[record.Topic] = record.Offset + 1
		}
	}
	err = rig.Eventually(t.Context(), replayLimit, "replay "+r.name, func() error {
		select {
		case err := <-r.failed:
			t.Fatal(err)
		default:
		}
		for topic, next := range want {
			part := change.Partition{Topic: topic}
			marks, err := checkpoint.Load(t.Context(), r.db.Pool, sourceName, group, []change.Partition{part})
			if err != nil {
				return err
			}
			if got := marks[part].Next; got < next {
				return fmt.Errorf("%s: %d of %d records have been applied", topic, got, next)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.stop(t)
}

// sliced cuts what a source delivers into deliveries of a certain size.
type sliced struct {
	pipeline.Source
	size int
	rest change.Delivery
}

// Fetch implements pipeline.Source.
func (s *sliced) Fetch(ctx context.Context) (change.Delivery, error) {
	if len(s.rest.Events) == 0 {
		delivery, err := s.Source.Fetch(ctx)
		if err != nil {
			return change.Delivery{}, err
		}
		s.rest = delivery
	}
	slice := s.rest
	slice.Events = slice.Events[:min(s.size, len(slice.Events))]
	s.rest = change.Delivery{Events: s.rest.Events[len(slice.Events):]}
	return slice, nil
}

func datasourceOptions(t *testing.T) *datasource.Options {
	t.Helper()
	options := datasource.New(sourceName)
	for key, value := range map[string]string{
		"brokers": "localhost:9092", "security": "plaintext", "topics": "^p1", "consumer_group": groupName,
	} {
		if err := options.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return options
}

// exception is where a right target differs from the source, and why.
type exception struct {
	table string
	// column is empty where it is whole rows that differ.
	column string
	// count is in how many rows or values they differ.
	count int
	why   string
}

// compare holds the current tables against the rows that the source had when
// the recording ended. Each difference must be one of the exceptions, and each
// exception must be seen as often as it says.
func (r *replay) compare(t *testing.T, exceptions ...exception) {
	t.Helper()
	type place struct{ table, column string }
	seen := map[place]int{}
	tables := map[string][]corpus.Row{}
	for _, row := range corpus.Source(t, r.name) {
		name := row.Schema + "." + row.Table
		tables[name] = append(tables[name], row)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		differences := r.compareTable(t, name, tables[name])
		for column, n := range differences {
			seen[place{name, column}] += n
		}
	}
	for _, row := range r.texts(t, `SELECT schema_name || '.' || table_name AS name, schema_name, table_name FROM metadb.target_table`) {
		if tables[*row["name"]] == nil {
			seen[place{*row["name"], ""}] = len(r.current(t, *row["schema_name"], *row["table_name"]))
		}
	}
	for _, e := range exceptions {
		at := place{e.table, e.column}
		if seen[at] != e.count {
			t.Errorf("%s %s differs %d times, and the exception (%s) says %d", e.table, e.column, seen[at], e.why, e.count)
		}
		delete(seen, at)
	}
	for at, n := range seen {
		if n > 0 {
			t.Errorf("%s %s differs %d times", at.table, at.column, n)
		}
	}
}

// compareTable counts the rows that only one side has (column ""), and for rows
// that have a counterpart with the same first columns, the values that differ.
func (r *replay) compareTable(t *testing.T, name string, want []corpus.Row) map[string]int {
	t.Helper()
	schema, table, _ := strings.Cut(name, ".")
	columns := slices.Sorted(maps.Keys(want[0].Text))
	stored := r.current(t, schema, table)
	if stored == nil {
		return map[string]int{"": len(want)}
	}
	differences := map[string]int{}
	for _, row := range want {
		at := slices.IndexFunc(stored, func(s map[string]*string) bool { return len(differing(columns, row.Text, s)) == 0 })
		if at < 0 {
			// A row of the source that is not stored, or not so: its nearest
			// counterpart tells in which values.
			at = nearest(columns, row.Text, stored)
			if at < 0 {
				differences[""]++
				continue
			}
			for _, column := range differing(columns, row.Text, stored[at]) {
				differences[column]++
			}
		}
		stored = slices.Delete(stored, at, at+1)
	}
	differences[""] += len(stored)
	for _, s := range stored {
		t.Logf("%s: only at the target: %s", name, printed(s))
	}
	return differences
}

// nearest returns the stored row that has most values in common, -1 if none has
// more than half of them.
func nearest(columns []string, row map[string]*string, stored []map[string]*string) int {
	best, least := -1, (len(columns)+1)/2
	for i, s := range stored {
		if n := len(differing(columns, row, s)); n < least {
			best, least = i, n
		}
	}
	return best
}

// differing returns the columns in which a row differs. A column that the
// target has not is NULL.
func differing(columns []string, want, stored map[string]*string) []string {
	var names []string
	for _, column := range columns {
		w, s := want[column], stored[column]
		if (w == nil) != (s == nil) || w != nil && *w != *s {
			names = append(names, column)
		}
	}
	return names
}

// current returns the rows of a current table as texts, nil if there is none.
func (r *replay) current(t *testing.T, schema, table string) []map[string]*string {
	t.Helper()
	relation := ident.Qualified{Schema: ident.Schema(schema), Name: ident.Current(table)}
	var exists bool
	if err := r.db.Pool.QueryRow(t.Context(), "SELECT to_regclass($1) IS NOT NULL", relation.SQL()).Scan(&exists); err != nil {
		t.Fatal(err)
	}
	if !exists {
		return nil
	}
	return r.texts(t, "SELECT * FROM "+relation.SQL())
}

// texts returns the answer with each value cast to text, in UTC.
func (r *replay) texts(t *testing.T, query string) []map[string]*string {
	t.Helper()
	tx, err := r.db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1"); err != nil {
		t.Fatal(err)
	}
	rows, err := tx.Conn().PgConn().Exec(t.Context(), query).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	answer := []map[string]*string{}
	for _, values := range rows[0].Rows {
		row := map[string]*string{}
		for i, field := range rows[0].FieldDescriptions {
			if values[i] == nil {
				row[field.Name] = nil
				continue
			}
			text := string(values[i])
			// Casting a boolean to text, unlike printing it, spells it out.
			if field.DataTypeOID == 16 {
				text = map[string]string{"t": "true", "f": "false"}[text]
			}
			row[field.Name] = &text
		}
		answer = append(answer, row)
	}
	return answer
}

func printed(row map[string]*string) string {
	text, err := json.Marshal(row)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestReplayKeys(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "keys", size)
			r.follow(t, `^metadb_keys_1\.`, groupName, false)
			r.compare(t,
				exception{"k.no_key", "", 2, "a table without a key is skipped"},
				exception{"k.no_key_full", "", 1, "a table without a key is skipped"},
				exception{"k.generated", "twice", 2, "a generated column is in snapshots only"},
				exception{"k.parted_1", "", 1, "the snapshot sends partitions beside their root"},
				exception{"k.parted_2", "", 1, "the snapshot sends partitions beside their root"},
			)
		})
	}
}

func TestReplaySnapshotMarks(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "snapshot_marks", size)
			r.follow(t, `^metadb_snapshot_marks_1\.`, groupName, false)
			r.compare(t)
		})
	}
}

// TestReplayBusy compares every version with the source's own record of them.
func TestReplayBusy(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "busy", size)
			r.follow(t, `^metadb_busy_1\.`, groupName, false)
			r.compare(t)
			want := versions(t)
			got := map[string][]string{}
			for _, row := range r.texts(t, `SELECT id, row_to_json(v)::text AS version, __current FROM
				(SELECT id, owner, amount, note, __current, __start, __id FROM b.acct__) v ORDER BY __start, __id`) {
				var version account
				if err := json.Unmarshal([]byte(*row["version"]), &version); err != nil {
					t.Fatal(err)
				}
				got[*row["id"]] = append(got[*row["id"]], version.String())
			}
			if len(got) != len(want) {
				t.Errorf("versions of %d keys, want %d", len(got), len(want))
			}
			for id, versions := range want {
				if !slices.Equal(got[id], versions) {
					t.Errorf("versions of %s: got\n%s\nwant\n%s", id, strings.Join(got[id], "\n"), strings.Join(versions, "\n"))
				}
			}
		})
	}
}

// account is a version of a row of b.acct.
type account struct {
	Owner, Note *string
	Amount      json.Number
}

// String returns the version as text.
func (a account) String() string {
	text := func(s *string) string {
		if s == nil {
			return "NULL"
		}
		return *s
	}
	return text(a.Owner) + " | " + a.Amount.String() + " | " + text(a.Note)
}

// versions returns, by key, the versions that b.log says there were, in order:
// an update to the same values makes none, a change of key one under the new key.
func versions(t *testing.T) map[string][]string {
	t.Helper()
	type entry struct {
		N        int64
		Op       string
		Old, New json.RawMessage
	}
	var log []entry
	for _, row := range corpus.Source(t, "busy") {
		if row.Table != "log" {
			continue
		}
		e := entry{Op: *row.Text["op"], Old: row.JSON["old"], New: row.JSON["new"]}
		if err := json.Unmarshal(row.JSON["n"], &e.N); err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	slices.SortFunc(log, func(a, b entry) int { return int(a.N - b.N) })
	versions := map[string][]string{}
	for _, e := range log {
		if e.Op == "DELETE" || string(e.Old) == string(e.New) {
			continue
		}
		var row struct {
			ID json.Number
			account
		}
		if err := json.Unmarshal(e.New, &row); err != nil {
			t.Fatal(err)
		}
		versions[row.ID.String()] = append(versions[row.ID.String()], row.String())
	}
	return versions
}

// TestReplayResync carries out SPEC 6.1 on the recording of a lost stream.
func TestReplayResync(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "resync", size)
			r.follow(t, `^metadb_resync_1\.`, groupName, false)
			r.endsync(t)
			options := datasourceOptions(t)
			for key, value := range map[string]string{"topics": `^metadb_resync_2\.`, "consumer_group": secondGroup} {
				if err := options.Set(key, value); err != nil {
					t.Fatal(err)
				}
			}
			r.sync(t, options)
			began := time.Now()
			r.follow(t, `^metadb_resync_2\.`, secondGroup, true)
			ended := int64(0)
			for _, count := range r.endsync(t) {
				ended += count.Unconfirmed()
			}
			r.compare(t)
			// Three patrons, the second tags of ten, and all that is retired.
			if ended != 16 {
				t.Errorf("endsync ended %d rows, want 16", ended)
			}
			for _, row := range r.texts(t, `SELECT count(*) AS n FROM library.retired__ WHERE __end > '`+began.UTC().Format(time.RFC3339Nano)+`' AND NOT __current`) {
				if *row["n"] != "3" {
					t.Errorf("%s retired rows have the time of endsync as their end, want 3", *row["n"])
				}
			}
		})
	}
}
