// Package health holds what each part of a node says of itself: a name, a
// status, a sentence, and since when. The registry view combines it with what
// gossip and its own probes say.
package health

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is the state of one check, worst last: passing, warning, critical.
type Status string

// The states, in Consul's words, which clients of registries know.
const (
	Passing  Status = "passing"
	Warning  Status = "warning"
	Critical Status = "critical"
)

// rank orders statuses; one it does not know counts as critical.
func (s Status) rank() int {
	switch s {
	case Passing:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// Check is one part's word on itself.
type Check struct {
	Name   string    `json:"name" doc:"Part that speaks, such as raft or spool."`
	Status Status    `json:"status" enum:"passing,warning,critical"`
	Output string    `json:"output" doc:"One sentence for people."`
	Since  time.Time `json:"since" doc:"When the status last changed."`
}

// Set is the checks of one node. The zero value is ready to use; all methods
// may be called at once.
type Set struct {
	mu     sync.Mutex
	checks map[string]Check // guarded by mu
}

// Report notes what the part called name says now. Since moves only when the
// status changes, so that a part may report on every beat.
func (s *Set) Report(name string, status Status, output string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checks == nil {
		s.checks = map[string]Check{}
	}
	since := time.Now().UTC()
	if old, ok := s.checks[name]; ok && old.Status == status {
		since = old.Since
	}
	s.checks[name] = Check{Name: name, Status: status, Output: output, Since: since}
}

// Clear forgets the part called name, when it stops for good.
func (s *Set) Clear(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.checks, name)
}

// Checks returns a copy of all checks, sorted by name; never nil.
func (s *Set) Checks() []Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Check, 0, len(s.checks))
	for _, c := range s.checks {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Check) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Worst returns the worst status of checks; passing when there are none.
func Worst(checks []Check) Status {
	worst := Passing
	for _, c := range checks {
		if c.Status.rank() > worst.rank() {
			worst = c.Status
		}
	}
	return worst
}
