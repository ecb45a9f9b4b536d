package membership

import (
	"sync"
	"time"
)

// sometimes lets through what must be said, but not each second: the first
// time, and then once a minute. The zero value is ready.
type sometimes struct {
	mu   sync.Mutex
	last time.Time // guarded by mu
}

func (s *sometimes) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.last.IsZero() || now.Sub(s.last) >= time.Minute {
		s.last = now
		return true
	}
	return false
}
