package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// mostOfCore bounds the cost of the live page as a fraction of a core, with costTables tables,
// measured over costWindow.
const (
	mostOfCore = 0.01
	costTables = 300
	costWindow = 20 * time.Second
)

// TestCostOfThePage measures the processor time of the server and PostgreSQL for one viewer of
// the live page, compared with no viewer, on an idle system.
func TestCostOfThePage(t *testing.T) {
	pgtest.SkipShort(t)
	if testing.Short() {
		return // the measurement takes about a minute
	}
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	m := installOn(t, pgtest.NewOn(t, cluster))
	n := newNumbers(t)
	writeTables(t, n)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Exec(t.Context(), fmt.Sprintf(
		`create data source s type kafka options (brokers '%s', security 'plaintext', topics '^sensor\.', consumer_group 'g')`,
		n.broker.Address())); err != nil {
		t.Fatal(err)
	}
	postmaster, err := cluster.Pid()
	if err != nil {
		t.Fatal(err)
	}
	c := &cost{m: m, postgres: postmaster}
	c.awaitCalm(t)
	// The smallest difference counts: other processes slow down the processor, and the same work
	// then takes longer.
	least := 1.0
	for try := 0; try < 3 && least > mostOfCore; try++ {
		none := c.during(t, func(ctx context.Context) { <-ctx.Done() })
		one := c.during(t, func(ctx context.Context) { c.view(ctx, t) })
		t.Logf("of a core: %.4f with nobody, %.4f with one viewer of %d tables", none, one, costTables)
		least = min(least, one-none)
	}
	if least > mostOfCore {
		t.Errorf("a viewer costs %.2f %% of a core", least*100)
	}
}

// writeTables writes a row into each of many tables.
func writeTables(t *testing.T, n *numbers) {
	t.Helper()
	for i := range costTables {
		encoder, err := eventgen.NewEncoder(eventgen.Table{
			Prefix: "sensor", Schema: "library", Name: fmt.Sprintf("table_%03d", i), Key: []int{0},
			Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "n", Kind: eventgen.Text}},
		})
		if err != nil {
			t.Fatal(err)
		}
		record, err := encoder.Encode(eventgen.Change{Op: 'c', Row: []any{int64(1), "one"}, LSN: 8, Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.producer.Write(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
}

// cost measures processor time.
type cost struct {
	m        *testbed.Metadb
	postgres int
}

// used returns the processor time of the server and PostgreSQL so far.
func (c *cost) used(t *testing.T) time.Duration {
	t.Helper()
	server, err := testbed.ProcessCPU(pid(t, c.m))
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := testbed.ProcessCPU(c.postgres)
	if err != nil {
		t.Fatal(err)
	}
	return server + postgres
}

// during returns the fraction of a core that is used while do runs.
func (c *cost) during(t *testing.T, do func(ctx context.Context)) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), costWindow)
	defer cancel()
	began, before := time.Now(), c.used(t)
	do(ctx)
	return (c.used(t) - before).Seconds() / time.Since(began).Seconds()
}

// awaitCalm waits until all tables exist.
func (c *cost) awaitCalm(t *testing.T) {
	t.Helper()
	err := testbed.Eventually(t.Context(), pace.Hang, "apply everything", func() error {
		admin, err := c.m.Admin(t.Context())
		if err != nil {
			return err
		}
		defer func() { _ = admin.Close(t.Context()) }()
		var tables int
		if err := admin.QueryRow(t.Context(), "select count(*) from metadb.base_table").Scan(&tables); err != nil {
			return err
		}
		if tables < costTables {
			return fmt.Errorf("%d tables", tables)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// view reads the page's events until ctx ends.
func (c *cost) view(ctx context.Context, t *testing.T) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/events", c.m.HTTPPort), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	seen := make(map[string]int)
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if kind, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			seen[kind]++
		}
	}
	if seen["view"] < 5 || seen["detail"] == 0 || seen["hour"] == 0 {
		t.Errorf("the viewer has seen %v", seen)
	}
}
