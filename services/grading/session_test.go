package grading

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// Who guesses at many doors at once gets no more tries than who waits for each
// answer.
func TestGuessesAtTheSameMomentAreCounted(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 1)
	s := g.node("n1").service
	ctx := identity.With(t.Context(), identity.Principal{Role: identity.Guest, From: "10.0.0.1"})
	for range hashesAtOnce { // nobody is answered until all have asked
		s.signIns.hasher.slots <- struct{}{}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[int]int{}
	for range 5 * freePerAccount {
		wg.Go(func() {
			_, err := s.signIn(ctx, SignIn{Name: "Ada", Password: "guess"})
			mu.Lock()
			defer mu.Unlock()
			got[httpapi.ProblemOf(err).Status]++
		})
	}
	g.eventually(func() error {
		mu.Lock()
		defer mu.Unlock()
		if got[http.StatusTooManyRequests] < 4*freePerAccount {
			return errors.New("too few were refused")
		}
		return nil
	})
	for range hashesAtOnce {
		<-s.signIns.hasher.slots
	}
	wg.Wait()
	if got[http.StatusUnauthorized] != freePerAccount || got[http.StatusTooManyRequests] != 4*freePerAccount {
		t.Errorf("answers by status: %v; want %d tries of %d", got, freePerAccount, 5*freePerAccount)
	}
}

// A crowd at the door must not fill the memory, nor keep the others waiting
// for minutes.
func TestOnlySoManyWaitForAHash(t *testing.T) {
	t.Parallel()
	h := newHasher()
	for range hashesAtOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	var wg sync.WaitGroup
	for range hashesWaiting {
		wg.Go(func() { _, _ = h.hash(ctx, "x") })
	}
	for len(h.waiting) < hashesWaiting {
		select {
		case <-ctx.Done():
			t.Fatal("they do not wait")
		case <-time.After(time.Millisecond):
		}
	}
	_, err := h.hash(ctx, "x")
	if p := httpapi.ProblemOf(err); p.Status != http.StatusServiceUnavailable || p.GetHeaders().Get("Retry-After") == "" {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	wg.Wait()
	<-h.slots
	if _, err := h.hash(t.Context(), "x"); err != nil {
		t.Errorf("after the crowd left: %v", err)
	}
}
