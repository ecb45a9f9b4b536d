package peer_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/membership/peer"
)

// Any http.Client becomes a client of the cluster: the host is a role.
func ExampleTransport() {
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s says hello", r.URL.Path[1:])
	}))
	defer node.Close()

	transport := peer.New(peer.Config{
		Members: func() []membership.Member {
			return []membership.Member{{ID: "9f2c", Name: "n1", Status: membership.StatusAlive, Roles: []string{"grading"}}}
		},
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { // really: TLS to the node with this id
			return new(net.Dialer).DialContext(ctx, "tcp", node.Listener.Addr().String())
		},
	})
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, url := range []string{"http://grading/anyone", "http://9f2c.node/n1"} {
		resp, err := client.Get(url)
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(string(text))
	}
	// Output:
	// anyone says hello
	// n1 says hello
}
