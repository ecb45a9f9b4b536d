package grading

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// cellOp is one call on one cell: a read, or a write, with base only over that
// version.
type cellOp struct {
	cell  int
	write bool
	value string
	base  int // -1 for none
}

// cellAnswer is what came back. An operation whose outcome stayed unknown may
// have happened at any time from its call on, or never.
type cellAnswer struct {
	value    string
	version  uint64
	conflict bool
	unknown  bool
}

type cellState struct {
	value   string
	version uint64
}

// cellModel is what a cell of the gradebook is: a register with versions.
var cellModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byCell := map[int][]porcupine.Operation{}
		for _, op := range history {
			c := op.Input.(cellOp).cell
			byCell[c] = append(byCell[c], op)
		}
		var parts [][]porcupine.Operation
		for _, ops := range byCell {
			parts = append(parts, ops)
		}
		return parts
	},
	Init: func() any { return cellState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(cellState), input.(cellOp), output.(cellAnswer)
		if !in.write {
			return out.unknown || out.value == s.value && out.version == s.version, s
		}
		refused := in.base >= 0 && uint64(in.base) != s.version
		next := cellState{in.value, s.version + 1}
		switch {
		case out.unknown && refused:
			return true, s
		case out.unknown:
			return true, next
		case out.conflict:
			return refused && out.version == s.version, s
		}
		return !refused && out.version == next.version, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}

// TestLinearizable writes and reads a few cells from many clients at once,
// through any node, while the leader is killed and links are cut, and lets
// porcupine look for an order of all calls that explains every answer. Give a
// seed in GRADING_SEED to repeat one, and seconds in GRADING_CHAOS for longer.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("GRADING_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	seconds, err := strconv.Atoi(os.Getenv("GRADING_CHAOS"))
	if err != nil {
		seconds = 4
	}
	t.Logf("seed %d, %d s", seed, seconds)
	g := newGroup(t)
	g.tune = func(c *Config) { c.snapshotEvery = 64 }
	for i := range 3 {
		g.add(fmt.Sprintf("n%d", i+1)).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(3)
	const cells, clients = 2, 6
	course, _, student := classroom(t, g.client())
	var assignments []string
	for i := range cells {
		a, err := g.client().AddAssignment(asAdmin(t.Context()), course, NewAssignment{Title: fmt.Sprint("cell ", i)})
		if err != nil {
			t.Fatal(err)
		}
		assignments = append(assignments, a.ID)
	}

	var mu sync.Mutex
	var history []porcupine.Operation
	begun := time.Now()
	// A busy machine gets more time, as few operations prove little.
	const enough = 200
	over := func() bool {
		mu.Lock()
		defer mu.Unlock()
		took := time.Since(begun)
		return took > time.Duration(seconds)*time.Second && (len(history) >= enough || took > time.Duration(seconds+30)*time.Second)
	}
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(client)))
			seen := map[int]uint64{}
			for n := 0; !over(); n++ {
				in := cellOp{cell: r.IntN(cells), write: r.IntN(2) == 0, base: -1}
				if in.write {
					in.value = fmt.Sprint(1000*client + n + 1)
					if r.IntN(2) == 0 {
						in.base = int(seen[in.cell])
					}
				}
				node := g.all()[r.IntN(3)]
				call := time.Since(begun).Nanoseconds()
				out := callCell(t, node, course, assignments[in.cell], student, in)
				back := time.Since(begun).Nanoseconds()
				if out.unknown {
					back = time.Hour.Nanoseconds()
				} else {
					seen[in.cell] = out.version
				}
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: back})
				mu.Unlock()
				if out.unknown && !in.write {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(seed, 1000))
	for !over() {
		<-time.After(time.Duration(300+r.IntN(500)) * time.Millisecond)
		victim := g.all()[r.IntN(3)]
		if l, err := g.leader(); err == nil && r.IntN(3) > 0 {
			victim = l
		}
		if r.IntN(2) == 0 {
			victim.kill()
			<-time.After(time.Duration(r.IntN(400)) * time.Millisecond)
			victim.start()
			continue
		}
		var others []string
		for _, m := range g.all() {
			if m.id != victim.id {
				others = append(others, m.id)
			}
		}
		g.cutOff([]string{victim.id}, others)
		<-time.After(time.Duration(300+r.IntN(600)) * time.Millisecond)
		g.heal()
	}
	wg.Wait()
	unknown := 0
	for _, op := range history {
		if op.Output.(cellAnswer).unknown {
			unknown++
		}
	}
	res, info := porcupine.CheckOperationsVerbose(cellModel, history, time.Minute)
	t.Logf("%d operations, %d of unknown outcome: %s", len(history), unknown, res)
	if res == porcupine.Illegal {
		path := "linearizable-failure.html"
		if f, err := os.CreateTemp("", path); err == nil {
			_ = porcupine.Visualize(cellModel, info, f)
			path = f.Name()
			_ = f.Close()
		}
		t.Fatalf("seed %d: no order explains the answers; see %s", seed, path)
	}
	if len(history) < enough {
		t.Fatalf("only %d operations in %v", len(history), time.Since(begun))
	}
}

// callCell makes one call through one node, and again under the same key while
// the outcome is unknown, through any node, for a while.
func callCell(t *testing.T, m *member, course, assignment, student string, in cellOp) cellAnswer {
	ctx, cancel := context.WithTimeout(WithKey(asAdmin(t.Context()), identity.NewID()), 1500*time.Millisecond)
	defer cancel()
	if !in.write {
		s, err := m.client().Score(ctx, course, assignment, student)
		if err != nil {
			return cellAnswer{unknown: true}
		}
		return answerOf(s.Points != nil, fmt.Sprint(s.Points), s.Version)
	}
	e := points(0)
	if err := e.Points.UnmarshalText([]byte(in.value)); err != nil {
		t.Error(err)
	}
	var base *uint64
	if in.base >= 0 {
		b := uint64(in.base)
		base = &b
	}
	client := m.client()
	for {
		s, err := client.SetScore(ctx, course, assignment, student, e, base)
		if err == nil {
			return cellAnswer{value: in.value, version: s.Version}
		}
		p, ok := errors.AsType[*httpapi.Problem](err)
		if ok && p.Status == http.StatusPreconditionFailed {
			current, _ := p.Current.(map[string]any)
			version, _ := current["version"].(float64)
			return cellAnswer{conflict: true, version: uint64(version)}
		}
		if ctx.Err() != nil {
			return cellAnswer{unknown: true}
		}
		if ok && p.Status != http.StatusServiceUnavailable {
			t.Errorf("%+v: %v", in, err)
			return cellAnswer{unknown: true}
		}
		client = m.g.client()
		time.Sleep(10 * time.Millisecond)
	}
}

func answerOf(has bool, value string, version uint64) cellAnswer {
	if !has {
		value = ""
	}
	return cellAnswer{value: value, version: version}
}
