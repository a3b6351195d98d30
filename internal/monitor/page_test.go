package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"metadb/internal/monitor"
	"metadb/internal/status"
)

// open asks for a path and returns the answer, whose body the test closes.
func open(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func allReady(context.Context) error { return nil }

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady})
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"} {
		response := open(t, address+path)
		if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s, %s", path, response.Status, response.Header.Get("Content-Type"))
		}
		if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestPageIsGuarded(t *testing.T) {
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady, Token: "secret"})
	for _, path := range []string{"/", "/page.js", "/events"} {
		if code, _ := get(t, address+path, "wrong"); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, code)
		}
	}
	// A browser asks for a password.
	if code, body := get(t, strings.Replace(address, "//", "//anybody:secret@", 1)+"/", ""); code != http.StatusOK || !strings.Contains(body, "<title>Metadb</title>") {
		t.Errorf("with the password: %d", code)
	}
	if code, _ := get(t, strings.Replace(address, "//", "//anybody:wrong@", 1)+"/", ""); code != http.StatusUnauthorized {
		t.Errorf("with a wrong password: %d", code)
	}
}

// shown is what the tests look at of an event.
type shown struct {
	Sources []struct {
		Name, Stream string
		Lag          *int64
		Advice       []string
		Well         bool
		Resync       *struct{ Confirmed, Expected int64 }
	}
}

func TestEventsFollow(t *testing.T) {
	sources := &status.Registry{}
	source := sources.Source("library")
	source.SetStream(status.Active, "")
	source.SetSync(status.Normal)
	address := serve(t, monitor.Config{Metrics: monitor.NewMetrics(sources, func() int { return 0 }), Ready: allReady})
	lines := bufio.NewScanner(open(t, address+"/events").Body)
	next := func() shown {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var v shown
				if err := json.Unmarshal([]byte(data), &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Fatalf("the events ended: %v", lines.Err())
		return shown{}
	}
	if v := next(); len(v.Sources) != 1 || !v.Sources[0].Well || v.Sources[0].Lag != nil || v.Sources[0].Resync != nil {
		t.Errorf("at first: %+v", v)
	}
	source.SetGap(5, "5 events are missing")
	source.SetConfirming(10, 4)
	source.SetLag(3)
	v := next()
	if s := v.Sources[0]; s.Stream != "gap" || s.Well || *s.Lag != 3 || s.Resync.Expected != 10 || !strings.Contains(strings.Join(s.Advice, ""), "sync data source library;") {
		t.Errorf("with a gap: %+v", v)
	}
}
