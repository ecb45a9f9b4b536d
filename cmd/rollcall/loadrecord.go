package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/services/registry"
)

// record is what load saw, with the times of its own clock. All methods may be
// called at once.
type record struct {
	run string // in the name of every write of this run

	mu           sync.Mutex // guards all below
	acks         []ack
	moments      []moment
	told         []telling
	begin, ended time.Time
}

// ack is one acknowledged write.
type ack struct {
	writer, number int
	start, at      time.Time
}

// moment is a line of standard input: something that a person did.
type moment struct {
	at   time.Time
	what string
}

// telling is an event of one node's timeline, when it was heard here.
type telling struct {
	at    time.Time
	event registry.Event
}

func newRecord(run string) *record { return &record{run: run} }

// name is that of one write: its idempotency key, and its comment.
func (r *record) name(writer, number int) string {
	return fmt.Sprintf("load-%s-%03d-%06d", r.run, writer+1, number)
}

func (r *record) acked(a ack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, a)
}

// acknowledged returns the names of all acknowledged writes.
func (r *record) acknowledged() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, len(r.acks))
	for i, a := range r.acks {
		names[i] = r.name(a.writer, a.number)
	}
	return names
}

func (r *record) stopped(begin, ended time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin, r.ended = begin, ended
	slices.SortFunc(r.acks, func(a, b ack) int { return a.at.Compare(b.at) })
	slices.SortStableFunc(r.told, func(a, b telling) int { return a.at.Compare(b.at) })
}

// marks notes the time of every line of in, until its end.
func (r *record) marks(in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if what := strings.TrimSpace(lines.Text()); what != "" {
			r.mu.Lock()
			r.moments = append(r.moments, moment{time.Now(), what})
			r.mu.Unlock()
		}
	}
}

// watch notes what the node at base tells of the cluster, until ctx ends. One
// that dies stops telling; the others are listened to as well.
func (r *record) watch(ctx context.Context, base *url.URL, bearer func() (string, error)) {
	t := &http.Transport{ForceAttemptHTTP2: false}
	defer t.CloseIdleConnections()
	client := registry.NewClient(&nodes{bases: []*url.URL{base}, to: t, bearer: bearer}, anyNode)
	var after string
	for ctx.Err() == nil {
		for m, err := range client.Events(ctx, after, 0) {
			if err != nil {
				break
			}
			if after = m.ID; m.Event != nil {
				r.mu.Lock()
				r.told = append(r.told, telling{time.Now(), *m.Event})
				r.mu.Unlock()
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond): // a node that is down
		}
	}
}

// latencies returns how long writes took, shortest first.
func (r *record) latencies() []time.Duration {
	took := make([]time.Duration, len(r.acks))
	for i, a := range r.acks {
		took[i] = a.at.Sub(a.start)
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	return took
}
