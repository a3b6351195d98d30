package chaos

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// describe returns the stored positions, the ends of the topics, the members of the consumer
// group and the server's status.
func (w *environment) describe() string {
	var lines []string
	if err := w.scan("SELECT array_agg(concat_ws(' ', topic, partition, next_offset) ORDER BY topic, partition) FROM metadb.stream_position", &lines); err != nil {
		lines = append(lines, err.Error())
	}
	admin := kadm.NewClient(w.client)
	ends, err := admin.ListEndOffsets(w.t.Context(), w.source.topics()...)
	if err != nil {
		lines = append(lines, err.Error())
	}
	ends.Each(func(o kadm.ListedOffset) {
		lines = append(lines, fmt.Sprintf("%s %d ends at %d", o.Topic, o.Partition, o.Offset))
	})
	groups, err := admin.DescribeGroups(w.t.Context(), w.source.group())
	if err != nil {
		lines = append(lines, err.Error())
	}
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("group %s is %s", g.Group, g.State))
		for _, m := range g.Members {
			assigned, _ := m.Assigned.AsConsumer()
			lines = append(lines, fmt.Sprintf("member %s of %s: %+v", m.MemberID, m.ClientID, assigned))
		}
	}
	return strings.Join(append(lines, w.status()), "\n")
}

// status returns the output of "list status".
func (w *environment) status() string {
	conn, err := w.metadb.Admin(w.t.Context())
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	results, err := conn.PgConn().Exec(w.t.Context(), "list status").ReadAll()
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, result := range results {
		for _, row := range result.Rows {
			lines = append(lines, fmt.Sprintf("%s", row))
		}
	}
	return strings.Join(lines, "\n")
}
