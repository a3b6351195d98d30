package monitor_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"metadb/internal/observe/monitor"
)

// open requests a path and returns the answer. The test closes its body.
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
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/tables.js": "text/javascript", "/icon.svg": "image/svg+xml"} {
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
	// A browser sends the token as a password.
	if code, body := get(t, strings.Replace(address, "//", "//anybody:secret@", 1)+"/", ""); code != http.StatusOK || !strings.Contains(body, "<title>Metadb</title>") {
		t.Errorf("with the password: %d", code)
	}
	if code, _ := get(t, strings.Replace(address, "//", "//anybody:wrong@", 1)+"/", ""); code != http.StatusUnauthorized {
		t.Errorf("with a wrong password: %d", code)
	}
}
