// Package logs is central logging without a centre.
//
// # The path of one record
//
//	slog, or a program over HTTP          any node
//	   │ one line of JSON
//	   ▼
//	spool    lines are cut into batches,  that node's disk: accepted
//	   │     one fdatasync for all who wait
//	   ▼
//	shipper  R log nodes by rendezvous hashing, until R have acknowledged
//	   │
//	   ▼
//	store    write-ahead files, one directory per day, one copy per batch and node
//	   ▲
//	query    asks each live holder for its share of the batches, merges by time
//
// The Agent is the upper half and runs on every node. The Service is the lower
// half and runs where the log role is configured.
//
// # What holds when something dies
//
// A batch has a name, (producer, epoch, seq): the node that cut it, how often
// that node had started, and a counter. The name and the bytes never change.
// So sending is repeated until it worked, storing twice is storing once, and a
// reader who wants each batch exactly once asks for names, and never compares
// records. The idea is Kafka's idempotent producer (KIP-98), turned into the
// key of the whole store.
//
//   - 2xx from the intake means: synced to that node's disk. A kill -9 or a power
//     cut afterwards loses nothing; the batches go out under their old epoch
//     when the node is back.
//   - The spool lets go of bytes only when R log nodes have synced them. R never
//     shrinks because nodes are down.
//   - Every log node knows, from manifests that producers send, how far each
//     producer has cut. A query thus knows what it should have read, and says
//     in its answer what is missing, and never pretends to be complete.
//
// The package never logs through slog about its own work, else one failure to
// ship would make records to ship: its troubles go to stderr, to counters and
// to the node's health.
package logs

import "errors"

// MediaType is what frames of batches are called between nodes.
const MediaType = "application/vnd.rollcall.frames"

var (
	// ErrFull means that the spool, or a log node's disk, takes no more now.
	// Nothing of what was offered can be relied on; offer it again later.
	ErrFull = errors.New("no room for more log records")
	// ErrClosed means that the agent or the store is stopped.
	ErrClosed = errors.New("logs are stopped")
	// ErrConflict means that a batch's name is known with other bytes. Two
	// nodes share an identity, or a disk was restored from a copy.
	ErrConflict = errors.New("batch is known with another checksum")
)
