//go:build e2e

package deploy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
)

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, input []byte, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	// Where it only disapproves it still says so.
	if err != nil || len(input) > 0 && len(out) > 0 {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestRules(t *testing.T) {
	promtool(t, nil, "check", "rules", "prometheus/metadb.rules.yml")
	promtool(t, nil, "test", "rules", "prometheus/metadb.rules.test.yml")
}

func TestCheckMetrics(t *testing.T) {
	registry := &status.Registry{}
	source := registry.Source("library")
	source.SetLag(3)
	source.Applied(1, 0, time.Now())
	source.ConfirmedRows().SetCounts(10, 5)
	metrics := monitor.NewMetrics(registry, func() int { return 1 })
	metrics.Applied("library", 1, change.Outcome{})
	metrics.Decoded("library", time.Millisecond)
	server := httptest.NewServer(monitor.Handler(monitor.Config{Metrics: metrics, Ready: func(context.Context) error { return nil }}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, body, "check", "metrics")
}
