// Package deploy holds no code, but what systemd, Prometheus and Grafana need to
// run and watch Metadb. Its tests hold these files to the metrics that there are.
package deploy
