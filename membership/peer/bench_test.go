package peer_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/distributedgo/rollcall/membership/membertest"
)

// BenchmarkRoundTrip compares a call by role over loopback with a plain one to
// a known address: the difference is what picking, counting and clocks cost.
func BenchmarkRoundTrip(b *testing.B) {
	servers := membertest.NewServers(b)
	list := membertest.Fixed()
	for _, id := range []string{"a", "b", "c"} {
		servers.Serve(id, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, id) }))
		list.Set(membertest.Alive(id, "grading"))
	}
	for name, rt := range map[string]http.RoundTripper{
		"peer":  servers.Peers(list),
		"plain": &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return servers.Dial(ctx, "a") }},
	} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), "GET", "http://grading/", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				resp, err := rt.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
}
