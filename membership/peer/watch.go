package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// errFailed ends a call to a node that gossip lists as failed meanwhile.
var errFailed = errors.New("gossip lists this node as failed")

// watchEvery is how often a call that takes long looks at the member list.
const watchEvery = 250 * time.Millisecond

// watch gives a call up when its node dies while it waits. A connection to a
// machine that lost its power, or was cut off, looks alive for many minutes;
// gossip knows better within a second. Most calls end before the first look.
// The returned func ends the watch.
func (t *Transport) watch(ctx context.Context, cancel context.CancelCauseFunc, id string) (stop func()) {
	var mu sync.Mutex // guards timer, which look needs before AfterFunc returned it
	var timer *time.Timer
	look := func() {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case ctx.Err() != nil:
		case t.statusOf(id) == membership.StatusFailed:
			cancel(errFailed)
		default:
			timer.Reset(watchEvery)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(watchEvery, look)
	return func() { timer.Stop() }
}

func (t *Transport) statusOf(id string) membership.Status {
	for _, m := range t.cfg.Members() {
		if m.ID == id {
			return m.Status
		}
	}
	return ""
}
