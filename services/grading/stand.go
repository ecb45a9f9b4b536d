package grading

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
)

// standOf returns what every node should know of accounts and revocations.
func standOf(v *reading) identity.StandState {
	st := identity.StandState{Index: v.Index(), Accounts: map[string]identity.AccountStand{}, Revoked: []string{}}
	for _, a := range v.Accounts() {
		st.Accounts[a.ID] = identity.AccountStand{Name: a.Name, Role: identity.Role(a.Role), Epoch: a.Epoch, Disabled: a.Disabled}
	}
	for _, r := range v.Revoked() {
		st.Revoked = append(st.Revoked, r.ID)
	}
	return st
}

// Follow keeps stand as the gradebook says, until ctx ends: it asks every so
// often through peers, as the node itself. While nobody answers the last known
// stand holds and grows old, which the Stand shows.
func Follow(ctx context.Context, peers http.RoundTripper, stand *identity.Stand, every time.Duration) error {
	if every <= 0 {
		return fmt.Errorf("grading: Follow: every is %v: give a positive time, at most 5s", every)
	}
	for {
		// Without an answer the next try may bring one; Age tells of it.
		_ = followOnce(ctx, peers, stand, every)
		// Jitter keeps the nodes from asking as one.
		wait := time.NewTimer(every*3/4 + rand.N(every/4+1))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
	}
}

func followOnce(ctx context.Context, peers http.RoundTripper, stand *identity.Stand, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, max(timeout, time.Second))
	defer cancel()
	asked := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://grading/v1/stand", nil)
	if err != nil {
		return err
	}
	req.Header.Set(identity.Header, identity.Principal{Role: identity.Node}.Encode())
	if index, known := stand.Index(); known {
		req.Header.Set("If-None-Match", etag(index))
	}
	resp, err := peers.RoundTrip(req)
	if err != nil {
		return err
	}
	defer discard(resp.Body)
	switch resp.StatusCode {
	case http.StatusNotModified:
		stand.Renew(asked)
		return nil
	case http.StatusOK:
		var st identity.StandState
		if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
			return err
		}
		stand.Set(st, asked)
		return nil
	}
	return problemIn(resp)
}
