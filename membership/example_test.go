package membership_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// Two nodes on one machine find each other: the second is told where the first
// is, and each then knows what the other serves.
func ExampleAgent() {
	key := bytes.Repeat([]byte{1}, 32) // really: derived from the cluster's secret
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	defer wg.Wait()
	defer stop()

	var seeds []string
	var last *membership.Agent
	for _, name := range []string{"anna", "bert"} {
		a, err := membership.New(membership.Config{
			ID: "id4" + name, Bind: "127.0.0.1:0", Keys: [][]byte{key}, Seeds: seeds,
			Tags: membership.Tags{Name: name, Roles: []string{"grading"}},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		wg.Go(func() { _ = a.Run(ctx) })
		seeds, last = []string{a.Addr()}, a
	}
	changed, done := last.Watch()
	defer done()
	for len(last.Members()) < 2 {
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			fmt.Println("still alone")
			return
		}
	}
	for _, m := range last.Members() {
		fmt.Println(m.Name, m.Status, m.Roles)
	}
	// Output:
	// anna alive [grading]
	// bert alive [grading]
}

// The lead is a rule that every node applies to its own list.
func ExampleLead() {
	start := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	members := []membership.Member{
		{ID: "a", Status: membership.StatusFailed, Roles: []string{"registry"}, Started: start},
		{ID: "b", Status: membership.StatusAlive, Roles: []string{"registry"}, Started: start.Add(time.Minute)},
		{ID: "c", Status: membership.StatusAlive, Roles: []string{"registry"}, Started: start.Add(time.Hour)},
	}
	lead, ok := membership.Lead(members, "registry")
	fmt.Println(lead.ID, ok)
	// Output: b true
}
