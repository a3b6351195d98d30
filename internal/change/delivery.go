package change

// Delivery is what one fetch from the stream brings.
type Delivery struct {
	// Begun are partitions whose reading begins, with this delivery or a
	// later one, after it had not been read or from another place.
	Begun []Beginning
	// Ended are partitions that somebody else reads from now on.
	Ended []Partition
	// Events are in the order of each partition. Every record is one event.
	Events []Event
	// Stopped says which partitions can't be read on, and why, while others are; nil if all
	// can.
	Stopped error
}

// Beginning says from where a partition is read.
type Beginning struct {
	Partition Partition
	// Fresh says that no mark is stored. Stored is the mark otherwise.
	Fresh  bool
	Stored Mark
	// From is the offset where reading begins: the mark's Next, but for gaps.
	From int64
	// Again, where it is not 0, says that records before that offset may have been
	// applied, though no mark is stored: the database has forgotten it.
	Again int64
	// TopicID is the topic's identity now.
	TopicID TopicID
	// Gap, where it is not nil, says that records between the mark and From
	// are missing.
	Gap *Gap
	// Partitions is how many partitions the topic has, those included that somebody
	// else reads; 0 if that is not known.
	Partitions int
}

// Gap is a part of the stream that is not there to be read.
type Gap struct {
	Partition Partition
	// Missing is how many records are lost as far as offsets tell, zero
	// where they don't.
	Missing int64
	// Reason says in words what happened.
	Reason string
	// Tables are those that have to be read again, as far as that is known: they are
	// set where a gap has been loaded.
	Tables []Table
}
