// Package monitor answers over HTTP how the server is: /healthz, /readyz and
// /metrics in Prometheus' format.
//
// It owns the names of the metrics and who may ask. It refuses to ask the
// database for anything but whether it answers: what it tells is what the streams
// write to package status, and what they report here with each batch.
package monitor
