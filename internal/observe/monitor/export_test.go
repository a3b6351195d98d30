package monitor

import "time"

// Sample takes a sample for the charts at a time.
func (m *Metrics) Sample(at time.Time) { m.history.addSample(at) }
