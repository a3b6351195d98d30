package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMissingCertificateIsSaidOnce checks that the log has the reason once while the source is
// retried.
func TestMissingCertificateIsSaidOnce(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'ssl', topics '^sensor\.', consumer_group 'sensor_1', ssl_ca_file '/nosuch/ca.pem')`,
		f.broker.Address()))
	r.awaitState(t, "error", "read ssl_ca_file: open /nosuch/ca.pem")
	// Pauses between tries grow to 4 s, from at most 0.25 s.
	const tries = 3500 * time.Millisecond
	began := time.Now()
	r.await(t, "three tries", func() error {
		if passed := time.Since(began); passed < tries {
			return fmt.Errorf("%s have passed", passed)
		}
		return nil
	})
	if got := strings.Count(r.log.String(), "read ssl_ca_file"); got != 1 {
		t.Errorf("said %d times:\n%s", got, r.log)
	}
}
