package grading

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// The file of a snapshot: one line of JSON, the remembered answers, and the
// book in the gradebook's own format, to the end. Raft's snapshot store adds a
// checksum. Files of older versions stay readable for ever.
const (
	snapshotFormat  = "rollcall grading snapshot"
	snapshotVersion = 1
)

// snapshotHeader is the first line.
type snapshotHeader struct {
	Format    string    `json:"format"`
	Version   int       `json:"version"`
	Gradebook string    `json:"gradebook"`
	Applied   uint64    `json:"applied"` // fsm.applied
	Stamp     time.Time `json:"stamp"`
	Retired   []string  `json:"retired"`
}

// snapshot is the state at one log index, ready to be written while the state
// machine goes on.
type snapshot struct {
	header snapshotHeader
	memos  memos
	book   *gradebook.Frozen
}

var _ raft.FSMSnapshot = (*snapshot)(nil)

// Persist streams the snapshot to disk.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.write(sink); err != nil {
		_ = sink.Cancel() // the error of the write says more
		return fmt.Errorf("grading: snapshot at %d: %w", s.header.Applied, err)
	}
	return sink.Close()
}

// Release does nothing: what the snapshot shares with the state never changes.
func (s *snapshot) Release() {}

func (s *snapshot) write(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	if err := json.NewEncoder(b).Encode(s.header); err != nil {
		return err
	}
	if err := s.memos.write(b); err != nil {
		return err
	}
	if _, err := s.book.WriteTo(b); err != nil {
		return err
	}
	return b.Flush()
}

// readSnapshot reads what write wrote, now or in any earlier version.
func readSnapshot(r io.Reader, memorySize int) (snapshotHeader, *memory, *gradebook.Book, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	var head snapshotHeader
	line, err := b.ReadBytes('\n')
	if err != nil {
		return head, nil, nil, fmt.Errorf("first line: %w: %w", errDamaged, err)
	}
	if err := json.Unmarshal(line, &head); err != nil || head.Format != snapshotFormat {
		return head, nil, nil, fmt.Errorf("first line: %w: not a %s", errDamaged, snapshotFormat)
	}
	if head.Version > snapshotVersion {
		return head, nil, nil, fmt.Errorf("format version %d, this program knows %d: %w", head.Version, snapshotVersion, errTooNew)
	}
	memory, err := readMemos(b, memorySize)
	if err != nil {
		return head, nil, nil, err
	}
	book, err := gradebook.Read(b)
	if err != nil {
		return head, nil, nil, err
	}
	return head, memory, book, nil
}
