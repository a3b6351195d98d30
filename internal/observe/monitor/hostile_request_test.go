package monitor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"metadb/internal/observe/monitor"
	"metadb/internal/testkit/pace"
)

// TestClientsThatHangUp checks that probes get the database's answer while other clients reset
// their connections. Four clients do so, repeatedly.
func TestClientsThatHangUp(t *testing.T) {
	t.Parallel()
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: func(ctx context.Context) error {
		timer := time.NewTimer(20 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var attackers sync.WaitGroup
	for range 4 {
		attackers.Go(func() {
			for ctx.Err() == nil {
				hangUp(t, strings.TrimPrefix(address, "http://"))
			}
		})
	}
	const least, lasting = 10, 2500 * time.Millisecond
	probes := 0
	for began := time.Now(); probes < least || time.Since(began) < lasting; {
		if code, body := get(t, address+"/readyz", ""); code != http.StatusOK {
			t.Fatalf("probe %d: %d %s", probes, code, body)
		}
		probes++
	}
	stop()
	attackers.Wait()
}

// hangUp sends a request and resets the connection.
func hangUp(t *testing.T, address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	timer := time.NewTimer(5 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestFrozenDatabase checks that a probe waits two seconds, not as long as the database takes.
func TestFrozenDatabase(t *testing.T) {
	t.Parallel()
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	began := time.Now()
	if code, _ := get(t, address+"/readyz", ""); code != http.StatusServiceUnavailable {
		t.Errorf("status %d", code)
	}
	if took := time.Since(began); took > pace.Bound(5*time.Second) {
		t.Errorf("it took %v", took)
	}
}

// TestViewersTakePlaces checks that a client that uses all places of the page does not exclude
// others.
func TestViewersTakePlaces(t *testing.T) {
	t.Parallel()
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady})
	const many = 60
	for range many {
		pageView(t, address)
	}
	var v shown
	if pageView(t, address).next("view", &v); len(v.Sources) != 1 {
		t.Errorf("got %+v", v)
	}
	if _, body := get(t, address+"/metrics", ""); !strings.Contains(body, "metadb_http_refused_total{reason=\"viewers\"} 21\n") {
		t.Error("viewers that lost their places are not counted")
	}
}

// TestTokensAreGuessed checks that answers to wrong tokens are delayed, one at a time, counted and
// logged, and that the right token is accepted meanwhile.
func TestTokensAreGuessed(t *testing.T) {
	t.Parallel()
	var lines atomic.Int64
	address := serve(t, monitor.Config{
		Metrics: metricsOf(t), Ready: allReady, Token: "secret", WrongTokenDelay: time.Hour,
		Logger: slog.New(counting{slog.DiscardHandler, &lines}),
	})
	ctx, leave := context.WithCancel(t.Context())
	var first sync.WaitGroup
	first.Go(func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/metrics", nil)
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Authorization", "Bearer wrong")
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			t.Error("the first wrong token was answered at once")
		}
	})
	for refused := ""; !strings.Contains(refused, `reason="token"} 1`); {
		_, refused = get(t, address+"/metrics", "secret")
	}
	for range 50 {
		if code, body := get(t, address+"/readyz", "wrong, too"); code != http.StatusUnauthorized || !strings.Contains(body, "too many failures") {
			t.Fatalf("%d %s", code, body)
		}
	}
	if _, body := get(t, address+"/metrics", "secret"); !strings.Contains(body, "metadb_http_refused_total{reason=\"token\"} 51\n") {
		t.Error("wrong tokens are not counted")
	}
	if n := lines.Load(); n != 5 {
		t.Errorf("%d lines in the log", n)
	}
	leave()
	first.Wait()
}

// counting counts log records.
type counting struct {
	slog.Handler
	lines *atomic.Int64
}

func (c counting) Enabled(context.Context, slog.Level) bool { return true }

func (c counting) Handle(context.Context, slog.Record) error {
	c.lines.Add(1)
	return nil
}
