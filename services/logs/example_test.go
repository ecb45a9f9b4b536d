package logs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/services/logs"
)

// A node opens its agent first and logs through it from then on; Run ships when
// the cluster is there.
func Example() {
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	agent, err := logs.OpenAgent(logs.AgentConfig{
		Dir: dir, Node: "n1", NodeID: "k3jq9x",
		Members: func() []membership.Member { return nil }, // nobody yet: the spool keeps what comes
		Peers:   http.DefaultTransport,
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- agent.Run(ctx) }()

	log := slog.New(agent.Handler("grading"))
	log.Info("score set", slog.Group("course", "id", "c1", "title", "Algebra"))

	// A program that is not ours: the answer comes when the lines are synced.
	answer, err := agent.Ingest(ctx, strings.NewReader(`{"msg":"paid","amount":12}`), logs.IngestOptions{Service: "cafeteria"})
	fmt.Println(answer.Accepted, err)

	stop()
	fmt.Println(<-done, agent.Counters().Accepted)
	// Output:
	// 1 <nil>
	// <nil> 2
}
