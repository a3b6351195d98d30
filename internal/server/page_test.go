package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"metadb/internal/observe/monitor"
	"metadb/internal/testkit/freeport"
)

// page is a viewer of the live page.
type page struct {
	t      *testing.T
	events *bufio.Scanner
	// body is the text received so far.
	body strings.Builder
}

// openPage opens the page's events.
func openPage(t *testing.T, address string) *page {
	t.Helper()
	events := bufio.NewScanner(get(t, address+"/events").Body)
	events.Buffer(nil, 1<<20)
	return &page{t: t, events: events}
}

// get requests a page; the response is closed at the end of the test.
func get(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = response.Body.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return response
}

// next reads the next event of a kind.
func (p *page) next(kind string, into any) {
	p.t.Helper()
	for named := false; p.events.Scan(); {
		line := p.events.Text()
		p.body.WriteString(line + "\n")
		if data, ok := strings.CutPrefix(line, "data: "); ok && named {
			if err := json.Unmarshal([]byte(data), into); err != nil {
				p.t.Fatal(err)
			}
			return
		}
		named = line == "event: "+kind
	}
	p.t.Fatalf("the events ended: %v", p.events.Err())
}

// withHTTP configures the HTTP port of an installation on a free port, and returns its address.
func (i *installation) withHTTP(t *testing.T) string {
	t.Helper()
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	i.configure(t, fmt.Sprintf("http_listen = 127.0.0.1:%d\n", ports[0]))
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0])
}

// TestPage reads tables, rejected events and a resynchronization from the live page, and checks
// that it contains no value of a row.
func TestPage(t *testing.T) {
	i, f := install(t), newFeed(t)
	address := i.withHTTP(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	f.change('u', 1, "Eve", "")
	f.change('c', 2, "Bob", "")
	f.change('c', 3, "S\x00cret", "") // PostgreSQL can't store this value
	r.awaitText(t, current, "1=Eve 2=Bob")
	r.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", "1")
	if _, err := r.db.Pool.Exec(t.Context(), "VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	p := openPage(t, address)
	var d monitor.PageData
	p.next("detail", &d)
	last := time.Date(2026, 3, 1, 0, 0, int(f.lsn)-8, 0, time.UTC)
	if len(d.Tables) != 1 || d.Bytes < 1<<20 {
		t.Fatalf("detail: %+v", d)
	}
	got := d.Tables[0]
	if got.Changed == nil || !got.Changed.Equal(last) || got.Bytes < 16<<10 {
		t.Errorf("changed %v, want %s; %d bytes", got.Changed, last, got.Bytes)
	}
	got.Changed, got.Bytes = nil, 0
	if want := (monitor.Table{Name: "library.patron", Source: "sensor", Current: 2, History: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(d.Rejected) != 1 || len(d.Rejected[0].Latest) != 1 {
		t.Fatalf("rejected: %+v", d.Rejected)
	}
	rejected := d.Rejected[0]
	if want := (monitor.RejectedKind{Kind: "record", Count: 1}); rejected.Source != "sensor" || rejected.Kinds[0] != want {
		t.Errorf("rejected: %+v", rejected)
	}
	if e := rejected.Latest[0]; e.Topic != "sensor.library.patron" || e.Table != "library.patron" || e.Kind != "record" || time.Since(e.Time) > time.Hour {
		t.Errorf("the latest: %+v", e)
	}
	r.admin(t, "purge rejected events for data source sensor")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	r.admin(t, "sync table library.patron__")
	var v struct {
		Sources []struct {
			Resync *struct {
				Tables []struct {
					Name                string
					Confirmed, Expected int
				}
			}
		}
	}
	r.await(t, "show the resynchronization", func() error {
		if p.next("view", &v); v.Sources[0].Resync == nil || len(v.Sources[0].Resync.Tables) != 1 {
			return fmt.Errorf("got %+v", v)
		}
		return nil
	})
	if got := v.Sources[0].Resync.Tables[0]; got.Name != "library.patron" || got.Confirmed != 0 || got.Expected != 2 {
		t.Errorf("progress: %+v", got)
	}
	f.change('r', 1, "Eve", "incremental")
	r.await(t, "confirm a row", func() error {
		if p.next("view", &v); v.Sources[0].Resync.Tables[0].Confirmed != 1 {
			return fmt.Errorf("got %+v", v.Sources[0].Resync)
		}
		return nil
	})
	for _, value := range []string{"Ada", "Eve", "Bob", "cret"} {
		if strings.Contains(p.body.String(), value) {
			t.Errorf("%s is on the page:\n%s", value, p.body.String())
		}
	}
}
