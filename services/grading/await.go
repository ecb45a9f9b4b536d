package grading

import (
	"time"

	"github.com/hashicorp/raft"
)

// await waits for one of raft's futures, and no longer than raft runs. Some
// futures that are on their way between raft's own goroutines when it shuts
// down are never answered (raft 1.8: an entry that is committed and not yet
// applied, a verification that is queued); who waited for one would wait for
// ever. The goroutine that then stays behind holds nothing but the future.
func (s *Service) await(f raft.Future) error {
	answered := make(chan error, 1)
	go func() { answered <- f.Error() }()
	select {
	case err := <-answered:
		return err
	case <-s.halted:
	}
	select {
	case err := <-answered:
		return err
	default:
		return raft.ErrRaftShutdown
	}
}

// awaited is raft's Apply with futures that end with raft.
type awaited struct {
	*raft.Raft
	s *Service
}

var _ applier = awaited{}

// Apply hands an entry to raft.
func (a awaited) Apply(data []byte, timeout time.Duration) raft.ApplyFuture {
	return awaitedFuture{a.Raft.Apply(data, timeout), a.s}
}

type awaitedFuture struct {
	raft.ApplyFuture
	s *Service
}

func (f awaitedFuture) Error() error { return f.s.await(f.ApplyFuture) }
