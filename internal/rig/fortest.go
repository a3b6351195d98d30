package rig

// A TB is what ForTest needs of a test.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(do func())
}

// ForTest returns a broker whose topics have so many partitions, and a producer of
// it, for as long as a test takes.
func ForTest(t TB, partitions int) (*Broker, *Producer) {
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
