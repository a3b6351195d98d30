package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
)

// shown contains the fields of an event "view" that the tests check.
type shown struct {
	Sources []struct {
		Name, Stream string
		Lag          *int64
		Advice       []string
		Well         bool
		Resync       *struct {
			Confirmed, Expected int64
			Done, More          int
			Tables              []struct{ Name, Words string }
		}
	}
}

// feed reads the events of one viewer.
type feed struct {
	t     *testing.T
	lines *bufio.Scanner
}

func pageView(t *testing.T, address string) *feed {
	t.Helper()
	return &feed{t, bufio.NewScanner(open(t, address+"/events").Body)}
}

// next reads the next event of a kind.
func (f *feed) next(kind string, into any) {
	f.t.Helper()
	for f.lines.Scan() {
		if f.lines.Text() != "event: "+kind {
			continue
		}
		f.lines.Scan()
		data, ok := strings.CutPrefix(f.lines.Text(), "data: ")
		if !ok {
			f.t.Fatalf("event %s is followed by %q", kind, f.lines.Text())
		}
		if err := json.Unmarshal([]byte(data), into); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	f.t.Fatalf("the events ended: %v", f.lines.Err())
}

func TestEventsFollow(t *testing.T) {
	sources := &status.Registry{}
	source := sources.Source("library")
	source.SetStream(status.Active, "")
	source.SetSync(status.Normal)
	f := pageView(t, serve(t, monitor.Config{Metrics: monitor.NewMetrics(sources, func() int { return 0 }), Ready: allReady}))
	var first shown
	f.next("view", &first)
	if v := first; len(v.Sources) != 1 || !v.Sources[0].Well || v.Sources[0].Lag != nil || v.Sources[0].Resync != nil {
		t.Errorf("at first: %+v", v)
	}
	var hour map[string]struct{ Rates, Lags []float64 }
	if f.next("hour", &hour); hour["library"].Rates == nil || hour["library"].Lags == nil {
		t.Errorf("charts: %+v", hour)
	}
	source.AddGap(change.Gap{Missing: 5, Reason: "lost"})
	source.ConfirmedRows().SetCounts(10, 4)
	for name, confirmed := range map[string]int64{"library.done": 3, "library.loan": 1, "library.fine": 0} {
		source.ConfirmedRows().SetTableCounts(name, 3, confirmed)
	}
	source.SetLag(3)
	var second shown
	f.next("view", &second)
	s := second.Sources[0]
	if s.Stream != "gap" || s.Well || *s.Lag != 3 || s.Resync.Expected != 10 || !strings.Contains(strings.Join(s.Advice, ""), "4. sync data source library; 5. Start the connector.") ||
		strings.Contains(strings.Join(s.Advice, ""), "sync table") {
		t.Errorf("with a gap: %+v", s)
	}
	source.SetGaps([]change.Gap{{Reason: "lost", Tables: []change.Table{{Schema: "library", Name: "Fine"}, {Schema: "library", Name: "loan"}}}})
	const again = `1. sync table library."Fine__"; sync table library.loan__; 2. An incremental snapshot of them. ` +
		`3. When it is complete: endsync table library."Fine__"; endsync table library.loan__;`
	for second.Sources[0].Advice[1][:5] != "Where" {
		f.next("view", &second)
	}
	if got := second.Sources[0].Advice[1]; !strings.HasSuffix(got, again) {
		t.Errorf("a gap of two tables: %s", got)
	}
	// A completely confirmed table is only counted; tables in progress come first.
	if r := s.Resync; r.Done != 1 || len(r.Tables) != 2 || r.Tables[0].Name != "library.loan" || r.Tables[0].Words != "1 of 3 rows confirmed, 2 not (would end now)" {
		t.Errorf("by table: %+v", r)
	}
}

// TestDetailIsAskedSeldom checks that viewers share the data of the database, and that it is not
// queried without a viewer.
func TestDetailIsAskedSeldom(t *testing.T) {
	var asked atomic.Int32
	address := serve(t, monitor.Config{
		Metrics: metricsOf(t), Ready: allReady,
		PageData: func(context.Context) (monitor.PageData, error) {
			asked.Add(1)
			at := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
			return monitor.PageData{Bytes: 7, Tables: []monitor.Table{{Name: "library.patron", Source: "library", Current: 3, Changed: &at}}}, nil
		},
	})
	for _, path := range []string{"/metrics", "/", "/healthz", "/readyz", "/metrics"} {
		if code, _ := get(t, address+path, ""); code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times while nobody looked", n)
	}
	for range 3 {
		var d monitor.PageData
		if pageView(t, address).next("detail", &d); d.Bytes != 7 || len(d.Tables) != 1 || d.Tables[0].Current != 3 {
			t.Errorf("got %+v", d)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestDatabaseDoesNotAnswer checks that the page shows the states of the streams and the error.
func TestDatabaseDoesNotAnswer(t *testing.T) {
	looked := make(chan struct{})
	hang := func(ctx context.Context) (monitor.PageData, error) {
		select {
		case <-looked:
		case <-ctx.Done():
		}
		return monitor.PageData{}, errors.New("no answer")
	}
	f := pageView(t, serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady, PageData: hang}))
	for range 2 {
		var v shown
		if f.next("view", &v); len(v.Sources) != 1 {
			t.Errorf("got %+v", v)
		}
	}
	close(looked)
	var d monitor.PageData
	if f.next("detail", &d); d.Trouble != "no answer" || d.Tables == nil {
		t.Errorf("got %+v", d)
	}
}
