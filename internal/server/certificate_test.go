package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMissingCertificateIsSaidOnce: the source is tried again and again, and the log says once
// why it fails.
func TestMissingCertificateIsSaidOnce(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, fmt.Sprintf(`create data source sensor type kafka options (brokers '%s', security 'ssl', topics '^sensor\.', consumer_group 'sensor_1', ssl_ca_file '/nosuch/ca.pem')`,
		f.broker.Address()))
	r.awaitState(t, "error", "read ssl_ca_file: open /nosuch/ca.pem")
	// The second try comes after a second, the third after two more.
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
