package status

// Stream is the state of a source's stream, as "list status" shows it.
type Stream string

// These are the states of a stream.
const (
	// Waiting: connected, but no topic matches yet.
	Waiting Stream = "waiting"
	// Starting: connecting, or reading the stored positions.
	Starting Stream = "starting"
	// Active: events are applied, or there are no events to apply.
	Active Stream = "active"
	// Error: no event is applied, or tables are parked; the message has the reason. The stream
	// tries again.
	Error Stream = "error"
	// Gap: the stream continues, but earlier events are missing.
	Gap Stream = "gap"
	// Silent: the stream continues, but the connector has written neither heartbeat nor event for
	// too long.
	Silent Stream = "silent"
	// Inactive: the source is not enabled, or the server is stopping.
	Inactive Stream = "inactive"
)

// Sync is the state of a source's synchronization, as "list status" shows it.
type Sync string

// These are the states of a synchronization.
const (
	// Normal: no synchronization is in progress.
	Normal Sync = "normal"
	// Snapshot: an initial synchronization or a resynchronization is in progress.
	Snapshot Sync = "snapshot"
	// SnapshotComplete: the snapshot has been applied, and "metadb endsync" can follow.
	SnapshotComplete Sync = "snapshot_complete"
)

// Streams returns the states of a stream.
func Streams() []Stream { return []Stream{Waiting, Starting, Active, Error, Gap, Silent, Inactive} }

// Syncs returns the states of a synchronization.
func Syncs() []Sync { return []Sync{Normal, Snapshot, SnapshotComplete} }
