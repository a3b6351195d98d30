package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestEndsOfWhatCanBeHad has a partition without a leader: the ends of other topics are
// returned, with an error that names it.
func TestEndsOfWhatCanBeHad(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.create(patron.Topic, 2)
	b.create(loan.Topic, 1)
	s := b.open("", &storedProgress{})
	defer s.Close()
	listen(t, s, func(h *received) bool { return len(h.assigned) == 3 })
	b.produce(loan.Topic, 0, 2)
	b.cluster.ControlKey(int16(kmsg.ListOffsets), func(asked kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		response := asked.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, topic := range asked.(*kmsg.ListOffsetsRequest).Topics {
			answer := kmsg.ListOffsetsResponseTopic{Topic: topic.Topic}
			for _, part := range topic.Partitions {
				end := kmsg.ListOffsetsResponseTopicPartition{Partition: part.Partition, Offset: 2, LeaderEpoch: -1, Timestamp: -1}
				if topic.Topic == patron.Topic && part.Partition == 1 {
					end.ErrorCode = kerr.InvalidReplicationFactor.Code
				}
				answer.Partitions = append(answer.Partitions, end)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	ends, err := s.Ends(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), patron.Topic+"/1") {
		t.Errorf("error %v, want one that names the partition", err)
	}
	if len(ends) != 1 || ends[loan] != 2 {
		t.Errorf("ends %v, want those of %s alone", ends, loan.Topic)
	}
}
