package grading

import (
	"sync"
	"time"
)

// Sign-ins that fail are limited per account and per address, on each node by
// itself: after a few free ones each further try costs a wait that refills
// slowly. An account has a small allowance, which stops guessing; an address
// a large one, as a school may sit behind one.
const (
	freePerAccount = 8
	freePerAddress = 60
	refillAccount  = 30 * time.Second // for one more try
	refillAddress  = 4 * time.Second
	throttleMost   = 10_000 // buckets kept
)

// throttle is a set of leaky buckets by key. All methods may be called at once.
type throttle struct {
	mu      sync.Mutex
	free    float64
	refill  time.Duration
	buckets map[string]bucket
}

// bucket holds failures, and when it was last looked at.
type bucket struct {
	level float64
	at    time.Time
}

func newThrottle(free float64, refill time.Duration) *throttle {
	return &throttle{free: free, refill: refill, buckets: map[string]bucket{}}
}

// wait returns how long key has to wait before its next try; 0 for not at all.
func (t *throttle) wait(key string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.due(key, now)
}

// due is wait for a caller that holds mu.
func (t *throttle) due(key string, now time.Time) time.Duration {
	over := t.level(key, now) - (t.free - 1)
	if over <= 0 {
		return 0
	}
	return time.Duration(over * float64(t.refill))
}

// take is wait, and notes a failed try when there is nothing to wait for: a
// try counts from when it begins, so that many at the same moment are not one.
func (t *throttle) take(key string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.due(key, now)
	if wait == 0 {
		t.add(key, now)
	}
	return wait
}

// fail notes a failed try.
func (t *throttle) fail(key string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(key, now)
}

// add is fail for a caller that holds mu.
func (t *throttle) add(key string, now time.Time) {
	if len(t.buckets) >= throttleMost {
		t.prune(now)
	}
	t.buckets[key] = bucket{level: t.level(key, now) + 1, at: now}
}

// forget empties a bucket after a success.
func (t *throttle) forget(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.buckets, key)
}

// level returns what is in a bucket now. The caller holds mu.
func (t *throttle) level(key string, now time.Time) float64 {
	b, ok := t.buckets[key]
	if !ok {
		return 0
	}
	return max(0, b.level-float64(now.Sub(b.at))/float64(t.refill))
}

// prune drops empty buckets, and when that is not enough any of them: somebody
// then makes up names by the thousand, and the address is what stops them.
func (t *throttle) prune(now time.Time) {
	for key := range t.buckets {
		if t.level(key, now) == 0 || len(t.buckets) >= throttleMost {
			delete(t.buckets, key)
		}
	}
}
