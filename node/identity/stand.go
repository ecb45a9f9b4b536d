package identity

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrRevoked is for a session or token that was signed by this cluster and has
// been taken back since.
var ErrRevoked = errors.New("revoked: sign in again or make a new token")

// AccountStand is what the gradebook says of one account now.
type AccountStand struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Epoch    uint64 `json:"epoch"` // sessions of an older epoch are signed out
	Disabled bool   `json:"disabled,omitempty"`
}

// StandState is what signatures can't say: which accounts there are, and which
// tokens and sessions were taken back. Index is the gradebook's log index it
// was read at.
type StandState struct {
	Index    uint64                  `json:"index"`
	Accounts map[string]AccountStand `json:"accounts"`
	Revoked  []string                `json:"revoked"`
}

// Stand is a node's copy of the gradebook's word on accounts and revocations.
// It is at most seconds old while the gradebook answers; without a leader the
// last known stand holds. The zero value knows nothing yet and admits whatever
// is signed: what matters, a grade, is checked again where it is applied. All
// methods may be called at once.
type Stand struct {
	mu       sync.RWMutex
	known    bool
	index    uint64
	at       time.Time
	accounts map[string]AccountStand
	revoked  map[string]bool
}

// Set takes the state that was read at the given time. One older than what is
// known already, from a follower that lags, changes nothing.
func (s *Stand) Set(state StandState, at time.Time) {
	revoked := make(map[string]bool, len(state.Revoked))
	for _, id := range state.Revoked {
		revoked[id] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known && state.Index < s.index {
		return
	}
	s.known, s.index, s.at, s.accounts, s.revoked = true, state.Index, at, state.Accounts, revoked
}

// Renew notes that the known state was found to be current at the given time.
func (s *Stand) Renew(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// Index returns the gradebook's log index of the known state, and whether any
// state is known.
func (s *Stand) Index() (uint64, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index, s.known
}

// Age returns how old the known state is; a very long time when none is known.
func (s *Stand) Age(now time.Time) time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return now.Sub(s.at)
}

// Admit checks a principal whose signature was good. It returns the principal
// with the name and role that its account has now, or ErrRevoked.
func (s *Stand) Admit(p Principal) (Principal, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.known {
		return p, nil
	}
	if p.Token != "" && s.revoked[p.Token] || p.Session != "" && s.revoked[p.Session] {
		return Principal{}, ErrRevoked
	}
	if p.Account == "" {
		return p, nil
	}
	a, ok := s.accounts[p.Account]
	switch {
	case !ok: // newer than this copy: accounts are disabled, never deleted
		return p, nil
	case a.Disabled:
		return Principal{}, fmt.Errorf("account %s is disabled: %w", p.Account, ErrRevoked)
	case p.Session != "" && p.Epoch < a.Epoch:
		return Principal{}, ErrRevoked
	}
	p.Name, p.Role = a.Name, a.Role
	return p, nil
}
