package bench

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// measured returns a report of one rate at its goal, one below, and a latency.
func measured() partReport {
	r := partReport{part: "tables"}
	r.addResult(partResult{name: "raw COPY, plain table", rows: 1000, took: time.Second, yardstick: 1000})
	r.addResult(partResult{name: "snapshot", rows: 1000, took: 2 * time.Second, yardstick: 1000, goal: 0.5, applied: 1000, use: resourceUse{
		wall: 2 * time.Second, server: time.Second, postgres: 1900 * time.Millisecond, broker: 100 * time.Millisecond, machine: 3 * time.Second,
		memory: 100 << 20, mallocs: 3000, allocated: 1e6,
	}})
	r.addResult(partResult{name: "updates", rows: 1000, took: 4 * time.Second, yardstick: 1000, goal: 0.35, applied: 1000, use: resourceUse{wall: 4 * time.Second, server: time.Second}})
	r.addFigure(goalFigure{name: "latency, <p99>", value: 150, unit: "ms", goal: 300, atMost: true})
	return r
}

func TestFiguresAgainstGoals(t *testing.T) {
	r := measured()
	scores := map[string]float64{"snapshot": 1, "updates": 0.25 / 0.35, "latency, <p99>": 2, "most memory of the server, resident": 2}
	figures := r.allFigures()
	if len(figures) != len(scores) {
		t.Errorf("%d figures, want %d", len(figures), len(scores))
	}
	for _, f := range figures {
		if got := f.goalScore(); got != scores[f.name] {
			t.Errorf("%s is at %g of its goal, want %g", f.name, got, scores[f.name])
		}
	}
	err := r.checkGoals()
	if err == nil || !strings.Contains(err.Error(), "updates: 0.25 of COPY, goal at least 0.35") || strings.Contains(err.Error(), "snapshot") {
		t.Errorf("what misses its goal: %v", err)
	}
}

func TestLimits(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name string
		use  resourceUse
		want string
	}{
		{"all", resourceUse{wall: second, server: 6 * second / 10, postgres: 13 * second / 10, machine: 19 * second / 10}, "The processors limit, first of all PostgreSQL"},
		{"PostgreSQL", resourceUse{wall: second, server: second / 10, postgres: 19 * second / 20, machine: 21 * second / 20}, "PostgreSQL's one session that applies limits"},
		{"server", resourceUse{wall: second, server: 19 * second / 20, postgres: second / 10, machine: 21 * second / 20}, "The server, which decodes, limits"},
		{"nothing", resourceUse{wall: second, server: second / 2, postgres: second / 2, machine: second}, "No processor limits: the programs wait for the disk and for each other"},
		{"others", resourceUse{wall: second, server: second / 2, postgres: second / 2, machine: 2 * second}, "The processors limit, first of all the server"},
	} {
		if got, shares := c.use.limitingProgram(2); got != c.want {
			t.Errorf("%s: %q (%s), want %q", c.name, got, shares, c.want)
		}
	}
}

func TestFiles(t *testing.T) {
	r, dir := measured(), t.TempDir()
	if err := r.writeFiles(Config{Results: dir, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(dir, "all.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 || rows[2][1] != "snapshot" || rows[2][2] != "0.5" || rows[2][8] != "1000.000" {
		t.Errorf("lines of the CSV: %v", rows)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "all.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder, bars := xml.NewDecoder(strings.NewReader(string(svg))), map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v: %s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "rect" {
			bars[start.Attr[0].Value]++
		}
	}
	if bars["good"] != 3 || bars["short"] != 1 || bars["page"] != 1 {
		t.Errorf("rectangles of the chart: %v", bars)
	}
}

func TestMixtureIsWhatItCounts(t *testing.T) {
	const rows, changes = 1000, 20_000
	m, count, alive := newChangeMixture(rows), map[byte]int{}, map[int]bool{}
	hottest := map[int]int{}
	for row := range rows {
		alive[row] = true
	}
	for range changes {
		op, row, updates := m.nextChange()
		count[op]++
		hottest[row]++
		if alive[row] == (op == 'c') {
			t.Fatalf("%c of row %d, which is alive: %t", op, row, alive[row])
		}
		if op == 'u' && updates == 0 {
			t.Fatalf("an update of row %d changes nothing", row)
		}
		alive[row] = op != 'd'
	}
	living := 0
	for _, yes := range alive {
		if yes {
			living++
		}
	}
	if living != m.alive || count['d'] != m.deletes {
		t.Errorf("%d rows and %d deletes, it counts %d and %d", living, count['d'], m.alive, m.deletes)
	}
	if hottest[0] < changes/20 {
		t.Errorf("the hottest row has %d of %d changes", hottest[0], changes)
	}
}
