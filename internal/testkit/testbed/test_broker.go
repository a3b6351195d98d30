package testbed

// A TB is the part of testing.TB that StartBroker uses.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(do func())
}

// StartBroker starts a broker for topics with the given number of partitions, and connects
// a producer. Both are closed when the test ends.
func StartBroker(t TB, partitions int) (*Broker, *Producer) {
	t.Helper()
	broker, err := NewBroker(partitions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	producer, err := NewProducer(broker.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return broker, producer
}
