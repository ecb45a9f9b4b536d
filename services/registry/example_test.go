package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/registry"
)

// A node makes its registry from what it knows about itself and about the
// members, mounts it on its API, and runs it. Here the only other member has
// failed, and anybody who may look at the cluster can see that.
func Example() {
	start := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	members := []membership.Member{
		{ID: "4f1c", Name: "n1", Status: membership.StatusAlive, Roles: []string{"registry", "portal"}, Started: start},
		{ID: "9a07", Name: "n2", Status: membership.StatusFailed, Roles: []string{"portal"}, Started: start.Add(time.Second)},
	}
	service, err := registry.New(registry.Config{
		Self:     "4f1c",
		Name:     "school",
		Members:  func() []membership.Member { return members },
		Watch:    func() (<-chan struct{}, func()) { return nil, func() {} },
		Timeline: membership.NewTimeline(),
		Peers:    http.DefaultTransport, // in a node: a peer.Transport
		Report: func() registry.NodeReport {
			return registry.NodeReport{ID: "4f1c", Name: "n1", Health: []health.Check{{Name: "portal", Status: health.Passing}}}
		},
		Configured: true,
		Promise:    func(bool) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := httpapi.New(httpapi.Config{Title: "rollcall", Version: "1", Trust: true})
	service.Mount(api)
	server := httptest.NewServer(api)
	defer server.Close()

	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- service.Run(ctx) }()
	defer func() { stop(); <-done }()

	anna := identity.With(ctx, identity.Principal{Role: identity.Reader, Name: "anna"})
	client := registry.NewClient(http.DefaultTransport, server.URL)
	for message, err := range client.Events(anna, "", 0) {
		if err != nil {
			fmt.Println(err)
			return
		}
		view := message.Cluster
		fmt.Println(view.Headline)
		fmt.Println(view.Notes)
		for _, n := range view.Nodes {
			fmt.Println(n.Name, n.Status, n.Worst)
		}
		break
	}
	// Output:
	// no node serves grades
	// [n2 failed]
	// n1 alive passing
	// n2 failed critical
}
