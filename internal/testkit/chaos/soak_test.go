package chaos

import (
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"metadb/internal/testkit/oracle"
	"metadb/internal/testkit/testbed"
)

var (
	soak    = flag.Float64("soak", 0.2, "for how many minutes a server works with a slow database")
	latency = flag.Duration("latency", 5*time.Millisecond, "how long all that is sent to the database takes")
)

// TestSoak runs a server with a slow database for a long time: its use of resources in the last
// third of the time does not exceed that in the second third.
func TestSoak(t *testing.T) {
	w := newEnvironment(t, 1)
	w.stop()
	w.slowDown()
	w.start()
	var early, late usage
	began, length := time.Now(), time.Duration(*soak*float64(time.Minute))
	told := began
	for i := 0; ; i++ {
		passed := time.Since(began)
		if passed > length {
			break
		}
		w.write(w.source.changes(1 + w.random.IntN(150)))
		w.source.oracle = oracle.New() // the oracle's versions are not compared
		switch i % 100 {
		case 20:
			w.write(w.source.bad())
		case 40:
			w.crashConnector()
		case 60:
			w.write(w.source.incremental(w.source.tables))
		case 80:
			w.write(w.source.snapshot(w.source.tables))
		}
		w.pause(time.Second)
		now := w.usage()
		switch {
		case passed > length*2/3:
			late = late.most(now)
		case passed > length/3:
			early = early.most(now)
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			t.Logf("after %s: %s, %d records read", passed.Round(time.Second), now, w.position())
		}
	}
	t.Logf("at most, in the second third: %s", early)
	t.Logf("at most, in the last third:   %s", late)
	const slack = 10 // the number of connections varies
	if late.memory > early.memory*5/4+(16<<20) || late.files > early.files+slack || late.goroutines > early.goroutines+slack || late.connections > early.connections+slack {
		t.Error("the server uses more and more")
	}
	w.caughtUp()
}

// slowDown puts a slow proxy between the server and the database.
func (w *environment) slowDown() {
	w.t.Helper()
	port := startSlowProxy(w.t, net.JoinHostPort(w.cluster.Host(), strconv.Itoa(w.cluster.Port())), *latency)
	file := filepath.Join(w.metadb.DataDir(), "metadb.conf")
	conf, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	slow := strings.Replace(string(conf), fmt.Sprintf("port = %d", w.cluster.Port()), fmt.Sprintf("port = %d", port), 1)
	if err := os.WriteFile(file, []byte(slow), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// caughtUp waits until all records have been read.
func (w *environment) caughtUp() {
	w.t.Helper()
	w.producer.flush()
	err := testbed.Eventually(w.t.Context(), quietTime, "read everything", func() error {
		if status := w.status(); !regexp.MustCompile(` active \w+ 0 `).MatchString(status) {
			return fmt.Errorf("%s", status)
		}
		return nil
	})
	if err != nil {
		w.t.Errorf("%v\n%s", err, w.describe())
	}
}
