package pace

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Hang bounds a wait for an event that must come. It is longer than anything takes on a busy
// machine, and shorter than the limit of "go test" for a package.
const Hang = 5 * time.Minute

// Bound returns the limit for work that takes at most idle on an idle machine. With several runnable
// threads a processor, the limit is so many times as long, and so long again, for the load of the
// last minute says little of the last second.
func Bound(idle time.Duration) time.Duration {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return idle
	}
	return scale(idle, string(text), runtime.NumCPU())
}

// scale returns the limit with the load in the text: the mean of the last minute, or the number of
// runnable threads at this moment, whichever is higher.
// https://man7.org/linux/man-pages/man5/proc_loadavg.5.html
func scale(idle time.Duration, loadavg string, processors int) time.Duration {
	fields := strings.Fields(loadavg)
	if len(fields) < 4 {
		return idle
	}
	mean, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return idle
	}
	runnable, _, _ := strings.Cut(fields[3], "/")
	now, err := strconv.ParseFloat(runnable, 64)
	if err != nil {
		return idle
	}
	perProcessor := max(mean, now) / float64(processors)
	if perProcessor <= 1 {
		return idle
	}
	return time.Duration(float64(idle) * 2 * perProcessor)
}
