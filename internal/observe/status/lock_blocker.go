package status

import (
	"fmt"
	"strings"
	"time"
)

// Blocker is a session or a prepared transaction with a lock for which the events of a table wait.
type Blocker struct {
	// Table is the table that waits.
	Table string `json:"table"`
	// PID is the process of the session, 0 for a prepared transaction, which has the name Prepared
	// instead.
	PID      int32  `json:"pid,omitempty"`
	Prepared string `json:"prepared,omitempty"`
	User     string `json:"user,omitempty"`
	// State is the session's state in pg_stat_activity; empty if PostgreSQL does not show it.
	State string `json:"state,omitempty"`
	// Mode is the mode of the lock in pg_locks.
	Mode string `json:"mode"`
	// Age is the age of the transaction in seconds, 0 if PostgreSQL does not show it.
	Age float64 `json:"age_seconds,omitempty"`
}

// String returns a description such as "analyst1's transaction (pid 4711, idle in transaction, open
// 40 s)".
func (b *Blocker) String() string {
	what, about := "transaction", []string{fmt.Sprintf("pid %d", b.PID)}
	if b.PID == 0 {
		what, about = "prepared transaction", []string{fmt.Sprintf("%q", b.Prepared)}
	}
	if b.User != "" {
		what = b.User + "'s " + what
	}
	if b.State != "" {
		about = append(about, b.State)
	}
	if age := ageText(time.Duration(b.Age * float64(time.Second))); age != "" {
		about = append(about, "open "+age)
	}
	return what + " (" + strings.Join(about, ", ") + ")"
}

// ageText returns an age in steps of 10 seconds, then minutes, then hours, so that a message with
// an age seldom changes.
func ageText(age time.Duration) string {
	switch {
	case age <= 0:
		return ""
	case age < 10*time.Second:
		return "less than 10 s"
	case age < time.Minute:
		return fmt.Sprintf("%d s", int(age.Seconds())/10*10)
	case age < time.Hour:
		return fmt.Sprintf("%d min", int(age.Minutes()))
	}
	return fmt.Sprintf("%d h", int(age.Hours()))
}
