package status

// Stream is the state of a source's stream, as list status shows it.
type Stream string

// The states of a stream.
const (
	// Waiting: connected, but no topic matches yet.
	Waiting Stream = "waiting"
	// Starting: connecting, or reading the stored positions.
	Starting Stream = "starting"
	// Active: events are being applied, or there are none to apply.
	Active Stream = "active"
	// Error: nothing goes on; the message says why. It is tried again.
	Error Stream = "error"
	// Gap: the stream goes on, but events before it are missing.
	Gap Stream = "gap"
	// Silent: the stream goes on, but the connector has given no sign of life for long.
	Silent Stream = "silent"
	// Inactive: the source is not enabled, or the server is stopping.
	Inactive Stream = "inactive"
)

// Sync is the state of a source's synchronization, as list status shows it.
type Sync string

// The states of a synchronization.
const (
	// Normal: no synchronization is in progress.
	Normal Sync = "normal"
	// Snapshot: an initial synchronization or a resynchronization.
	Snapshot Sync = "snapshot"
	// SnapshotComplete: "metadb endsync" can follow.
	SnapshotComplete Sync = "snapshot_complete"
)

// Streams lists the states of a stream.
func Streams() []Stream { return []Stream{Waiting, Starting, Active, Error, Gap, Silent, Inactive} }

// Syncs lists the states of a synchronization.
func Syncs() []Sync { return []Sync{Normal, Snapshot, SnapshotComplete} }
