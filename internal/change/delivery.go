package change

// Delivery is the result of one fetch from the stream.
type Delivery struct {
	// Assigned are partitions that are read from now on, with this delivery or a
	// later one: they were not read before, or from another offset.
	Assigned []Assignment
	// Revoked are partitions that are no longer read here: another member of the
	// consumer group has them, or they are read again from another offset.
	Revoked []Partition
	// Events keep the order of each partition. Every record is one event.
	Events []Event
	// Restarts are the places among and after the events where reading can begin again, in the order
	// of each partition; empty for a source that can begin at each event. A partition without
	// events may have one too, so that its stored position follows that of the others.
	Restarts []Restart
	// Stopped is the error of partitions that can't be read further while others are
	// read; nil if all can.
	Stopped error
}

// Restart is a place in a source where reading of one partition can begin again.
type Restart struct {
	Partition Partition
	Point     RestartPoint
}

// Assignment is a partition that is read from now on, with the offset where that begins.
type Assignment struct {
	Partition Partition
	// Fresh says that no progress is stored. Stored is the stored progress otherwise.
	Fresh  bool
	Stored PartitionProgress
	// From is the offset where reading begins: the stored Next, except after a gap.
	From int64
	// ReplayedBefore, if it is not 0, is an offset before which records may have been applied
	// although no progress is stored: a database that crashed, or a standby, lacks it.
	ReplayedBefore int64
	// TopicID is the topic's present identity.
	TopicID TopicID
	// Gap, if it is not nil, describes records that are missing between the stored
	// position and From.
	Gap *Gap
	// Partitions is the number of the topic's partitions, including those that other
	// members of the consumer group read; 0 if that is not known.
	Partitions int
}

// Gap is a part of the stream that is no longer available.
type Gap struct {
	Partition Partition
	// Missing is the number of lost records by their offsets, zero where the
	// offsets don't show it.
	Missing int64
	// Reason is the cause, in words for the log and the status.
	Reason string
	// Tables are the known tables that must be read again. They are set in gaps that
	// were loaded from the database.
	Tables []Table
}
