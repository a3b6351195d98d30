package admission

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

func at(host string, port int) net.Addr { return &net.TCPAddr{IP: net.ParseIP(host), Port: port} }

// crowd enters places and records evictions.
type crowd struct {
	*Places
	lost []string
}

func (c *crowd) enter(host string, name string) *Place {
	return c.Enter(at(host, 1), func() { c.lost = append(c.lost, name) })
}

func (c *crowd) expect(t *testing.T, lost ...string) {
	t.Helper()
	if got, want := strings.Join(c.lost, " "), strings.Join(lost, " "); got != want {
		t.Errorf("lost their places: %q, want %q", got, want)
	}
	c.lost = nil
}

// TestPlacesOfAnAddress checks that a flood from an address evicts only clients of that address,
// the silent ones first.
func TestPlacesOfAnAddress(t *testing.T) {
	t.Parallel()
	c := &crowd{Places: NewPlaces(Limits{All: 10, Address: 3, Local: 5})}
	other := c.enter("192.0.2.9", "other")
	first := c.enter("192.0.2.1", "a1")
	first.MarkActive()
	c.enter("192.0.2.1", "a2")
	c.enter("192.0.2.1", "a3")
	c.expect(t)
	c.enter("192.0.2.1", "a4")
	c.enter("192.0.2.1", "a5").MarkActive()
	c.expect(t, "a2", "a3")
	c.enter("192.0.2.1", "a6").MarkActive()
	c.expect(t, "a4")
	c.enter("192.0.2.1", "a7")
	c.expect(t, "a1")
	if first.Leave() {
		t.Error("who lost the place has it still")
	}
	if !other.Leave() || c.Taken() != 3 {
		t.Errorf("%d places are taken", c.Taken())
	}
}

// TestPlacesOfAll checks that, if all places are taken, the address with the most places loses one.
func TestPlacesOfAll(t *testing.T) {
	t.Parallel()
	c := &crowd{Places: NewPlaces(Limits{All: 6, Address: 4, Local: 5})}
	for i := range 3 {
		c.enter("192.0.2.1", fmt.Sprintf("a%d", i))
	}
	for i := range 2 {
		c.enter("2001:db8::"+fmt.Sprint(i), fmt.Sprintf("b%d", i))
	}
	c.enter("127.0.0.1", "c")
	c.expect(t)
	c.enter("192.0.2.7", "d")
	c.expect(t, "a0")
}

// TestLocalPlaces checks that all loopback addresses count as one.
func TestLocalPlaces(t *testing.T) {
	t.Parallel()
	c := &crowd{Places: NewPlaces(Limits{All: 10, Address: 1, Local: 2})}
	c.enter("127.0.0.1", "a")
	c.enter("127.9.8.7", "b")
	c.enter("::1", "c")
	c.expect(t, "a")
}

// TestFailures checks the number of recent failures, and that one answer to an address is delayed
// at a time.
func TestFailures(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f := &FailedLogins{}
	steps := []struct {
		from  string
		after time.Duration
		want  int
	}{
		{"192.0.2.1", 0, 1},
		{"192.0.2.1", time.Second, 2},
		{"192.0.2.2", time.Second, 1},
		{"192.0.2.1", time.Minute, 3},
		{"192.0.2.1", 3 * time.Minute, 1},
		{"2001:db8::1", 0, 1},
		{"2001:db8::ffff", 0, 2},
		{"2001:db8:0:1::1", 0, 1},
	}
	for i, step := range steps {
		// Another port counts as the same address.
		got, answered := f.Add(at(step.from, 1000+i), start.Add(step.after))
		if got != step.want || answered == nil {
			t.Errorf("step %d, %s: %d, want %d", i, step.from, got, step.want)
			continue
		}
		answered()
	}
	for range 2 * maxFailures {
		f.Add(&net.UnixAddr{Net: "unix"}, start)
	}
	if got, answered := f.Add(&net.UnixAddr{Net: "unix"}, start); got != maxFailures || answered != nil {
		t.Errorf("many failures count for %d, want %d, and a second answer may be late", got, maxFailures)
	}
}

// TestFailuresAreBounded fails logins from more addresses than are remembered.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	f := &FailedLogins{}
	now := time.Now()
	for i := range 2*maxHosts + 1 {
		f.Add(&net.TCPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}, now)
		if len(f.from) > maxHosts {
			t.Fatalf("%d addresses", len(f.from))
		}
	}
}

// TestDigest checks that of a flood of events a few are logged, and the others are counted.
func TestDigest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	d := &Digest{Subject: "port", Level: slog.LevelWarn, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	d.logCounts()
	guesses, full := Kind{Label: "password", Plural: "failed passwords"}, Kind{Label: "room", Plural: "clients dropped"}
	for i := range 1000 {
		d.Note(guesses, fmt.Sprintf("192.0.2.%d", i%10/8), fmt.Sprintf("guess %d", i))
	}
	d.Note(full, "192.0.2.1", "full")
	d.logCounts()
	d.logCounts()
	text := log.String()
	if n := strings.Count(text, "\n"); n != digestLines+2 {
		t.Errorf("%d lines", n)
	}
	const want = `port: not logged one by one in the last minute: 995 failed passwords, most of them (795) from 192.0.2.0"`
	if !strings.Contains(text, want) {
		t.Errorf("the log lacks %s: %s", want, text)
	}
	if got := d.Totals(); got["password"] != 1000 || got["room"] != 1 {
		t.Errorf("totals: %v", got)
	}
}
