package monitor

import "time"

// Sample has the charts of the page take a point at a time.
func (m *Metrics) Sample(at time.Time) { m.history.addSample(at) }
