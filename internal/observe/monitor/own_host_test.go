package monitor_test

import (
	"net/http"
	"testing"

	"metadb/internal/observe/monitor"
)

// TestHost checks that requests with another host are refused if there is no token.
func TestHost(t *testing.T) {
	free := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady})
	guarded := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady, Token: "secret"})
	for host, want := range map[string]int{
		"127.0.0.1": http.StatusOK, "127.0.0.1:8551": http.StatusOK, "127.9.9.9": http.StatusOK, "localhost:9000": http.StatusOK,
		"LocalHost": http.StatusOK, "[::1]:8551": http.StatusOK, "[::1]": http.StatusOK,
		"evil.example.org": http.StatusMisdirectedRequest, "evil.example.org:8551": http.StatusMisdirectedRequest,
		"localhost.evil.example.org": http.StatusMisdirectedRequest, "127.0.0.1.evil.example.org": http.StatusMisdirectedRequest,
		"192.0.2.1": http.StatusMisdirectedRequest, "localhost.": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/", "/metrics", "/events", "/healthz", "/readyz", "/page.js"} {
			if got := codeFor(t, free+path, host, ""); got != want {
				t.Errorf("%s for %s: %d, want %d", path, host, got, want)
			}
		}
		if got := codeFor(t, guarded+"/metrics", host, "secret"); got != http.StatusOK {
			t.Errorf("with a token, for %s: %d", host, got)
		}
	}
}

// TestOtherSites checks that pages of other sites can't use up the viewers' places.
func TestOtherSites(t *testing.T) {
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: allReady})
	for site, want := range map[string]int{
		"": http.StatusOK, "same-origin": http.StatusOK, "none": http.StatusOK,
		"cross-site": http.StatusForbidden, "same-site": http.StatusForbidden,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Sec-Fetch-Site", site)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("from %q: %d, want %d", site, response.StatusCode, want)
		}
	}
}

// codeFor sends a request with a Host header and returns the status.
func codeFor(t *testing.T, url, host, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
