package grading

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// BenchmarkSetGrade writes grades to three nodes in one process: through the
// client, the handlers and raft, with every entry synced to disk by two of
// three bolt stores. Connections between nodes are loopback TCP without TLS;
// HTTP is called without a socket. Each writer has its own cell.
func BenchmarkSetGrade(b *testing.B) {
	for _, writers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchmarkSetGrade(b, writers) })
	}
}

func benchmarkSetGrade(b *testing.B, writers int) {
	g := startGroup(b, 3)
	c := g.mustLeader().client()
	ctx := asAdmin(b.Context())
	course, assignment, _ := classroom(b, c)
	students := make([]string, writers)
	for i := range students {
		s, err := c.AddStudent(ctx, course, NewStudent{Last: fmt.Sprint("Student ", i)})
		if err != nil {
			b.Fatal(err)
		}
		students[i] = s.ID
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for _, student := range students {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if _, err := c.SetScore(ctx, course, assignment, student, points(n%1000), nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkRead reads one cell, linearizable, through the leader and through a
// follower, which asks the leader for an index.
func BenchmarkRead(b *testing.B) {
	g := startGroup(b, 3)
	course, assignment, student := classroom(b, g.client())
	ctx := asAdmin(b.Context())
	for name, m := range map[string]*member{"leader": g.mustLeader(), "follower": g.follower()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.client().Score(ctx, course, assignment, student); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApply applies single-cell commands to the state machine alone.
func BenchmarkApply(b *testing.B) {
	f := newFSM(noLog, remembered)
	school(b, f)
	p := gradebook.Whole(5)
	b.ReportAllocs()
	index := uint64(10)
	for b.Loop() {
		index++
		give(b, f, index, line(b, fmt.Sprint("key", index), gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &p}, anHour, admin))
	}
}

// BenchmarkSnapshot captures and writes a state whose memory of commands is
// full; "pause" is how long commands wait for it.
func BenchmarkSnapshot(b *testing.B) {
	f := newFSM(noLog, remembered)
	school(b, f)
	for i := range remembered {
		f.memory.add(memo{id: memoOf("u1", fmt.Sprint(i)), answer: make([]byte, 90)})
	}
	var pause time.Duration
	for b.Loop() {
		begun := time.Now()
		s, err := f.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		pause += time.Since(begun)
		if err := s.(*snapshot).write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(pause.Microseconds())/float64(b.N), "µs-pause/op")
}
