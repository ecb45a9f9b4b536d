package grading

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// fakeRaft commits an entry after a millisecond.
type fakeRaft struct {
	mu      sync.Mutex
	entries []int // commands in each
	now     int   // entries under way
	most    int
	fail    error
}

type fakeFuture struct {
	raft.ApplyFuture
	err    error
	answer any
}

func (f fakeFuture) Error() error  { return f.err }
func (f fakeFuture) Response() any { return f.answer }

func (r *fakeRaft) Apply(data []byte, _ time.Duration) raft.ApplyFuture {
	r.mu.Lock()
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	time.Sleep(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now--
	commands, err := splitEntry(data)
	if err != nil {
		return fakeFuture{err: err}
	}
	answers := make([]any, len(commands))
	for i, c := range commands {
		answers[i] = "did " + string(c)
	}
	r.entries = append(r.entries, len(commands))
	return fakeFuture{err: r.fail, answer: answers}
}

func newTestBatcher(r *fakeRaft) *batcher {
	return &batcher{raft: r, spawn: func(f func()) bool { go f(); return true }}
}

func TestBatchSharesEntriesAndAnIdleLeaderNeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRaft{}
		b := newTestBatcher(r)
		var wg sync.WaitGroup
		for i := range 3 * maxBatchCommands {
			wg.Go(func() {
				c := fmt.Sprint(i)
				if got, err := b.Apply(t.Context(), []byte(c)); err != nil || got != "did "+c {
					t.Error(got, err)
				}
			})
		}
		wg.Wait()
		if len(r.entries) > 5 || r.most > 1 {
			t.Errorf("%d entries, %d at once; want at most 5 and 1", len(r.entries), r.most)
		}
		start := time.Now()
		if _, err := b.Apply(t.Context(), []byte("x")); err != nil || time.Since(start) != time.Millisecond {
			t.Errorf("an idle leader took %v, %v", time.Since(start), err)
		}
	})
}

func TestBatchKeepsEntriesSmall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRaft{}
		b := newTestBatcher(r)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { _, _ = b.Apply(t.Context(), bytes.Repeat([]byte("x"), maxBatchBytes*2/5)) })
		}
		wg.Wait()
		for _, n := range r.entries {
			if n > 2 {
				t.Errorf("%d commands of 40 %% of an entry in one entry", n)
			}
		}
		if _, err := b.Apply(t.Context(), make([]byte, maxBatchBytes+1)); err != nil {
			t.Errorf("one command larger than a batch: %v", err)
		}
		if _, err := b.Apply(t.Context(), make([]byte, maxCommandBytes+1)); !errors.Is(err, errTooLarge) {
			t.Errorf("got %v, want errTooLarge", err)
		}
	})
}

func TestBatchSaysWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRaft{}
		b := newTestBatcher(r)
		go func() { _, _ = b.Apply(t.Context(), []byte("under way")) }()
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if _, err := b.Apply(short, []byte("waits")); !errors.Is(err, errNotSent) {
			t.Errorf("taken from the queue: got %v, want errNotSent", err)
		}
		time.Sleep(time.Second)
		r.mu.Lock()
		sent := len(r.entries)
		r.mu.Unlock()
		if sent != 1 {
			t.Errorf("%d entries: a command was sent after its caller was told that it was not", sent)
		}
		short, cancel = context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if _, err := b.Apply(short, []byte("sent")); errors.Is(err, errNotSent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("under way: got %v, want the context's error alone", err)
		}
		time.Sleep(time.Second)
		r.mu.Lock()
		r.fail = raft.ErrLeadershipLost
		r.mu.Unlock()
		if _, err := b.Apply(t.Context(), nil); !errors.Is(err, raft.ErrLeadershipLost) || errors.Is(err, errNotSent) {
			t.Errorf("got %v, want raft's error alone", err)
		}
		b.spawn = func(func()) bool { return false }
		if _, err := b.Apply(t.Context(), nil); !errors.Is(err, errNotSent) {
			t.Errorf("stopped: got %v, want errNotSent", err)
		}
	})
}

func FuzzSplitEntry(f *testing.F) {
	f.Add(joinEntry([][]byte{[]byte("a"), nil, []byte("bc")}))
	f.Add([]byte{5, 1})
	f.Add(bytes.Repeat([]byte{0xff}, 11))
	f.Fuzz(func(t *testing.T, data []byte) {
		commands, err := splitEntry(data)
		if err != nil {
			return
		}
		again, err := splitEntry(joinEntry(commands))
		if err != nil || len(again) != len(commands) {
			t.Fatalf("%d commands became %d, %v", len(commands), len(again), err)
		}
	})
}

func TestANudgeIsAnEmptyEntryAndOnlyWhenNothingIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &fakeRaft{}
		b := newTestBatcher(r)
		b.nudge()
		b.nudge() // the first is under way and does the same
		if _, err := b.Apply(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.nudge()
		time.Sleep(time.Second)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if !slices.Equal(r.entries, []int{0, 1, 0}) {
			t.Errorf("entries of %v commands, want a nudge, the command, and a nudge", r.entries)
		}
	})
}
