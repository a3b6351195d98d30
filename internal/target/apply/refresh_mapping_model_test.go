package apply_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/apply"
)

// TestRefreshModel checks that after a refresh the current transformed rows are the transformation
// of the parents' current versions, whatever the mappings were before.
func TestRefreshModel(t *testing.T) {
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &model{
				rand: rand.New(rand.NewPCG(uint64(seed), 10)), targets: map[string]string{}, now: map[int]string{}, n: map[int]int{}, parents: map[int][]parentVersion{},
			}
			r := newRig(t)
			refresher := apply.New(apply.Config{Connect: r.connect, Store: r.store, Logger: slog.New(slog.NewTextHandler(r.log, nil))})
			t.Cleanup(func() { _ = refresher.Close(context.Background()) })
			for range 8 {
				m.targets = map[string]string{}
				r.exec("DELETE FROM metadb.transform_json")
				for _, mapping := range mappable() {
					if above := mapping[0][:max(strings.LastIndexByte(mapping[0], '.'), 0)]; above != "" && m.targets[above] == "" || m.rand.IntN(3) == 0 {
						continue
					}
					m.targets[mapping[0]] = mapping[1]
					r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'item', 'doc', $1, $2)", mapping[0], mapping[1])
				}
				for range 1 + m.rand.IntN(5) {
					var events []change.Event
					for range 1 + m.rand.IntN(8) {
						events = append(events, m.event())
					}
					r.applyKilled(m.rand, events)
				}
				if r.store.Snapshot().Table(itemTable) == nil {
					continue
				}
				_, err := refresher.Refresh(t.Context(), apply.RefreshOptions{
					Table: itemTable, Exclusively: func(do func() error) error { return do() }, Progress: func(int64, int64) {}, Step: 1 + m.rand.IntN(4),
				})
				if err != nil {
					t.Fatal(err)
				}
				want := keysOfLines(m.current())
				have := keysOfLines(got(t, r, true))
				if !slices.Equal(want, have) {
					t.Fatalf("the current rows differ:\n%s", difference(want, have))
				}
			}
		})
	}
}

// current returns the lines that must be current now.
func (m *model) current() []string {
	var lines []string
	for id, doc := range m.now {
		for key, row := range m.transformed(doc) {
			lines = append(lines, fmt.Sprintf("%s id=%d 0-0 %d", key, id, len(row)))
		}
	}
	return lines
}

// keysOfLines returns the keys of the rows in lines, sorted, each with its number of values.
func keysOfLines(lines []string) []string {
	var keys []string
	for _, line := range lines {
		at := strings.Index(line, " id=")
		id, rest, _ := strings.Cut(line[at+4:], " ")
		_, values, _ := strings.Cut(rest, " ")
		n := strings.Count(values, "=")
		if !strings.Contains(values, "=") && values != "" {
			_, _ = fmt.Sscan(values, &n)
		}
		keys = append(keys, fmt.Sprintf("%s id=%s %d", line[:at], id, n))
	}
	slices.Sort(keys)
	return keys
}
