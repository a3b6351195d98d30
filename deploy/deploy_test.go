package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
)

// name finds the metrics in an expression; a histogram's have endings.
var name = regexp.MustCompile(`\bmetadb_[a-z_]+`)

// TestMetricsExist looks for each metric that an alert, a panel or a page names.
func TestMetricsExist(t *testing.T) {
	described := make(chan *prometheus.Desc, 1000)
	metrics := monitor.NewMetrics(&status.Registry{}, func() int { return 0 })
	for _, listener := range []string{"admin", "http"} {
		metrics.ShowRefused(listener, func() map[string]int64 { return nil })
	}
	metrics.Describe(described)
	close(described)
	known := make(map[string]bool)
	for desc := range described {
		found := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(desc.String())
		known[found[1]] = true
	}
	documented := make(map[string]bool)
	for _, file := range []string{"prometheus/metadb.rules.yml", "grafana/metadb.json", "../docs/monitoring.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := name.FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, metric := range names {
			metric = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(metric, "")
			if !known[metric] {
				t.Errorf("%s: there is no metric %s", file, metric)
			}
			documented[metric] = true
		}
	}
	for metric := range known {
		if name.MatchString(metric) && !documented[metric] {
			t.Errorf("docs/monitoring.md does not have %s", metric)
		}
	}
}

func TestDashboardIsJSON(t *testing.T) {
	text, err := os.ReadFile("grafana/metadb.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct{ Panels []struct{ ID int } }
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	seen := make(map[int]bool)
	for _, panel := range dashboard.Panels {
		if seen[panel.ID] {
			t.Errorf("two panels have the number %d", panel.ID)
		}
		seen[panel.ID] = true
	}
}
