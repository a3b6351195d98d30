package chaos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// rowHistory returns the records of a row that differs, the versions that it has, and those
// that it should have.
func (w *environment) rowHistory(d *difference) string {
	var lines []string
	for _, r := range w.records(w.source.prefix() + "." + strings.TrimPrefix(d.table.Name, ".")) {
		if strings.Contains(string(r.Key), fmt.Sprintf(`"id":%s}`, d.id())) || strings.Contains(string(r.Value), `"op":"t"`) {
			_, payload, _ := strings.Cut(string(r.Value), `"payload"`)
			lines = append(lines, fmt.Sprintf("%d@%d %s", r.Partition, r.Offset, payload))
		}
	}
	lines = append(lines, "is:")
	var is []string
	sql := fmt.Sprintf("SELECT array_agg(t::text ORDER BY __start, __id) FROM %q.%q t WHERE id::text = '%s'", d.table.Schema, d.table.Name+"__", d.id())
	if err := w.scan(sql, &is); err != nil {
		is = []string{err.Error()}
	}
	lines = append(append(lines, is...), "should be:")
	for _, line := range expected(w.source.oracle.Table(d.table)) {
		if strings.HasPrefix(line, d.id()+"|") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// records returns all records of a topic, by partitions.
func (w *environment) records(topic string) []*kgo.Record {
	ends, err := kadm.NewClient(w.client).ListEndOffsets(w.t.Context(), topic)
	if err != nil {
		w.t.Log(err)
		return nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		w.t.Log(err)
		return nil
	}
	defer reader.Close()
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	var records []*kgo.Record
	for int64(len(records)) < left && w.t.Context().Err() == nil {
		records = append(records, reader.PollFetches(w.t.Context()).Records()...)
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	return records
}
