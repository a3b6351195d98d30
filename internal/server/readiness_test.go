package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
	"metadb/internal/testkit/pgtest"
)

func TestStreaming(t *testing.T) {
	for _, test := range []struct {
		report status.Report
		want   string
	}{
		{status.Report{Stream: status.Active}, ""},
		{status.Report{Stream: status.Gap}, ""},
		{status.Report{Stream: status.Waiting}, ""},
		{status.Report{Stream: status.Inactive}, ""},
		{status.Report{Name: "library", Stream: status.Starting}, `source "library": starting`},
		{status.Report{Name: "library", Stream: status.Error, Message: "no broker"}, `source "library": error no broker`},
		{status.Report{Stream: status.Error, Parked: []string{"library.loan"}, Message: "table library.loan waits"}, ""},
	} {
		got := ""
		if err := checkStreaming([]status.Report{test.report}); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.report, got, test.want)
		}
	}
}

// TestWatchingWithoutDatabase checks that the HTTP port answers while the database is
// unreachable, and keeps the last state of the tables.
func TestWatchingWithoutDatabase(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	i, f := installOn(t, pgtest.NewOn(t, cluster)), newFeed(t)
	address := i.withHTTP(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	expect := func(path string, code int, text string) {
		t.Helper()
		r.await(t, "answer "+path, func() error {
			if got, body := ask(t, address+path); got != code || !strings.Contains(body, text) {
				return fmt.Errorf("%d %s", got, body)
			}
			return nil
		})
	}
	p := openPage(t, address)
	var d monitor.PageData
	if p.next("detail", &d); len(d.Tables) != 1 {
		t.Errorf("tables: %+v", d)
	}
	expect("/readyz", http.StatusOK, "ready")
	if err := cluster.Stop(); err != nil {
		t.Fatal(err)
	}
	expect("/readyz", http.StatusServiceUnavailable, "the database does not answer")
	expect("/healthz", http.StatusOK, "ok")
	expect("/metrics", http.StatusOK, "metadb_lag_events")
	late := openPage(t, address)
	for d.Trouble == "" {
		late.next("detail", &d)
	}
	if len(d.Tables) != 1 || !strings.Contains(d.Trouble, "the database does not answer") {
		t.Errorf("tables while the database is away: %+v", d)
	}
	var v struct {
		Sources []struct{ Name, Stream, Message string }
	}
	if late.next("view", &v); len(v.Sources) != 1 {
		t.Errorf("sources while the database is away: %+v", v)
	}
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("/readyz", http.StatusOK, "ready")
}

// ask returns the status and the body of a response.
func ask(t *testing.T, url string) (int, string) {
	t.Helper()
	response := get(t, url)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
