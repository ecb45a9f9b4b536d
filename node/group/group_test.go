package group_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/node/group"
)

// slow is a part that needs d to stop and then writes its name down.
func slow(order *[]string, name string, d time.Duration) (string, func(context.Context) error) {
	return name, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(d)
		*order = append(*order, name)
		return nil
	}
}

func TestPartsStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		var g group.Group
		g.Add(slow(&order, "gossip", time.Minute))
		g.Add(slow(&order, "raft", time.Second))
		g.Add(slow(&order, "http", time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []string{"http", "raft", "gossip"}; !slices.Equal(order, want) {
			t.Fatalf("stopped in order %v, want %v", order, want)
		}
	})
}

func TestFirstErrorStopsAllAndErrorsCarryNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, late := errors.New("disk full"), errors.New("deadline passed")
		var g group.Group
		g.Add("gossip", func(ctx context.Context) error { <-ctx.Done(); return late })
		g.Add("raft", func(context.Context) error { time.Sleep(time.Second); return full })
		err := g.Run(t.Context())
		if !errors.Is(err, full) || !errors.Is(err, late) {
			t.Fatalf("got %v, want both causes", err)
		}
		if s := err.Error(); !strings.Contains(s, "raft: disk full") || !strings.Contains(s, "gossip: deadline passed") {
			t.Fatalf("got %q, want each error under its part's name", s)
		}
	})
}

func Example() {
	var g group.Group
	g.Add("store", func(ctx context.Context) error { <-ctx.Done(); fmt.Println("store closed"); return nil })
	g.Add("server", func(ctx context.Context) error { <-ctx.Done(); fmt.Println("server drained"); return nil })
	ctx, stop := context.WithCancel(context.Background())
	stop()
	fmt.Println(g.Run(ctx))
	// Output:
	// server drained
	// store closed
	// <nil>
}

func TestANameIsNotSaidTwice(t *testing.T) {
	var g group.Group
	g.Add("gossip", func(context.Context) error { return errors.New("gossip: no way in") })
	if err := g.Run(t.Context()); err == nil || err.Error() != "gossip: no way in" {
		t.Fatalf("got %v", err)
	}
}
