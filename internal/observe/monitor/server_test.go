package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"metadb/internal/change"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server and returns its address.
func serve(t *testing.T, config monitor.Config) string {
	t.Helper()
	config.Address = "127.0.0.1:0"
	server, err := monitor.Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve: %v", err)
		}
	})
	return "http://" + server.Addr().String()
}

// get returns the status and the body of an answer.
func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// metricsOf returns metrics with one source that has applied events.
func metricsOf(t *testing.T) *monitor.Metrics {
	t.Helper()
	sources := &status.Registry{}
	source := sources.Source("library")
	source.SetStream(status.Active, "")
	source.SetLag(7)
	source.SkippedTables().Add("library.visits", "library.visits")
	source.Applied(5, 2, time.Now().Add(-time.Minute))
	source.ConfirmedRows().SetCounts(100, 40)
	sources.SetColumns(func() map[string]status.Columns {
		return map[string]status.Columns{"library": {Outdated: []status.Outdated{{Table: "library.patron", Reasons: []string{"column n is new"}, ResyncCommands: "sync table"}}}}
	})
	sources.SetJobs(func() []status.Job {
		return []status.Job{{Name: "analyze", State: status.JobRunning, Begun: time.Unix(60, 0).UTC(), Seconds: 1.5, Runs: 3, Failures: 1, Message: "no\x1bway"}}
	})
	metrics := monitor.NewMetrics(sources, func() int { return 3 })
	outcome := change.Outcome{Applied: 5, Rejected: 2, SchemaChanges: 1, Timings: change.Timings{Plan: time.Millisecond, Apply: time.Second, Commit: time.Millisecond}}
	outcome.ByReason[change.RefusedValue] = 2
	outcome.ByOp[change.Upsert], outcome.ByOp[change.Delete] = 4, 1
	metrics.Applied("library", 7, outcome)
	metrics.Decoded("library", 20*time.Millisecond)
	return metrics
}

// TestStatusJSON checks that /status has the values of "list status", and needs the token.
func TestStatusJSON(t *testing.T) {
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Token: "secret", WrongTokenDelay: time.Millisecond})
	if code, _ := get(t, address+"/status", ""); code != http.StatusUnauthorized {
		t.Errorf("without the token: %d", code)
	}
	code, body := get(t, address+"/status", "secret")
	var answer struct {
		Time    time.Time
		Sources []struct {
			Name          string
			SourceStream  string `json:"source_stream"`
			Lag           int64
			Events        int64
			ProgressPhase string `json:"progress_phase"`
			ProgressDone  int64  `json:"progress_done"`
		}
	}
	if !strings.Contains(body, `"jobs":[{"name":"analyze","state":"running","begun":"1970-01-01T00:01:00Z","seconds":1.5,"runs":3,"failures":1,"message":"no`) || strings.Contains(body, `\u001b`) {
		t.Errorf("the jobs: %s", body)
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != http.StatusOK || len(answer.Sources) != 1 {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if s := answer.Sources[0]; s.Name != "library" || s.SourceStream != "active" || s.Lag != 7 || s.Events != 5 || s.ProgressPhase != "confirming" || s.ProgressDone != 40 || answer.Time.IsZero() {
		t.Errorf("got %s", body)
	}
}

func TestMetrics(t *testing.T) {
	address := serve(t, monitor.Config{Metrics: metricsOf(t), Ready: func(context.Context) error { return nil }})
	code, body := get(t, address+"/metrics", "")
	if code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	for _, line := range []string{
		`metadb_events_applied_total{kind="upsert",source="library"} 4`,
		`metadb_events_applied_total{kind="delete",source="library"} 1`,
		`metadb_events_rejected_total{kind="value",source="library"} 2`,
		`metadb_events_rejected_total{kind="record",source="library"} 0`,
		`metadb_job_runs_total{job="analyze",result="done"} 2`,
		`metadb_job_runs_total{job="analyze",result="failed"} 1`,
		`metadb_job_duration_seconds{job="analyze"} 1.5`,
		`metadb_job_running{job="analyze"} 1`,
		`metadb_job_begun_timestamp_seconds{job="analyze"} 60`,
		`metadb_parked_tables{source="library"} 0`,
		`metadb_outdated_tables{source="library"} 1`,
		`metadb_skipped_tables{source="library"} 1`,
		`metadb_lag_events{source="library"} 7`,
		`metadb_batch_events_bucket{source="library",le="10"} 1`,
		`metadb_batch_duration_seconds_count{source="library"} 1`,
		`metadb_stage_seconds_total{source="library",stage="decode"} 0.02`,
		`metadb_stage_seconds_total{source="library",stage="apply"} 1`,
		`metadb_resync_rows_confirmed{source="library"} 40`,
		`metadb_resync_rows_unconfirmed{source="library"} 60`,
		`metadb_resync_rows_expected{source="library"} 100`,
		`metadb_stream_state{source="library",state="active"} 1`,
		`metadb_stream_state{source="library",state="gap"} 0`,
		`metadb_admin_connections 3`,
		`metadb_schema_changes_total{source="library"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if !strings.Contains(body, `metadb_lag_seconds{source="library"} 6`) {
		t.Error("the age of the last event is not about a minute")
	}
}

func TestForget(t *testing.T) {
	metrics := metricsOf(t)
	metrics.Forget("library")
	_, body := get(t, serve(t, monitor.Config{Metrics: metrics, Ready: func(context.Context) error { return nil }})+"/metrics", "")
	if strings.Contains(body, "metadb_events_applied_total{") {
		t.Error("a source that was dropped still has series")
	}
}

func TestProbes(t *testing.T) {
	address := serve(t, monitor.Config{
		Metrics: metricsOf(t), Token: "secret", Ready: func(context.Context) error { return errors.New("no database") }, WrongTokenDelay: time.Millisecond,
	})
	for _, test := range []struct {
		path, token string
		code        int
		body        string
	}{
		{"/healthz", "", http.StatusOK, "ok"},
		{"/readyz", "", http.StatusServiceUnavailable, "not ready"},
		{"/readyz", "secret", http.StatusServiceUnavailable, "no database"},
		{"/readyz", "wrong", http.StatusUnauthorized, "bearer token"},
		{"/metrics", "", http.StatusUnauthorized, "bearer token"},
		{"/metrics", "wrong", http.StatusUnauthorized, "bearer token"},
		{"/metrics", "secret", http.StatusOK, "metadb_lag_events"},
		{"/nothing", "secret", http.StatusNotFound, ""},
	} {
		code, body := get(t, address+test.path, test.token)
		if code != test.code || !strings.Contains(body, test.body) {
			t.Errorf("%s: %d %s", test.path, code, body)
		}
	}
}

func TestOtherAddressesNeedTLSAndToken(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		if _, err := monitor.Listen(monitor.Config{Address: address, Token: "secret"}); err == nil || !strings.Contains(err.Error(), "http_tls_cert") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := monitor.Listen(monitor.Config{Address: "8551"}); err == nil {
		t.Error("an address without a host is taken")
	}
}
