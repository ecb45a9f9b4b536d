package nodetest_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Of a run: how many nodes, clients and cells, how long a client waits for one
// node, and when it gives an operation up as unanswered. Few cells make the
// clients meet.
const (
	chaosNodes   = 5
	chaosClients = 6
	chaosCells   = 3
	chaosAttempt = 2 * time.Second
	chaosGiveUp  = 12 * time.Second
)

// TestScoresAreLinearizable reads and writes few cells from many clients over
// all nodes while leaders are killed and links are cut, and then asks porcupine
// whether one gradebook on one machine could have given all the answers.
//
// ROLLCALL_CHAOS_OPS makes it longer (300 operations), ROLLCALL_CHAOS_SEED
// repeats its choices; the timing of the machine is not repeated.
func TestScoresAreLinearizable(t *testing.T) {
	t.Parallel()
	ops := number(t, "ROLLCALL_CHAOS_OPS", 300)
	seed := number(t, "ROLLCALL_CHAOS_SEED", rand.Uint64()>>1)
	t.Logf("seed %d, %d operations", seed, ops)
	c := nodetest.Start(t, chaosNodes)
	r := &recorder{c: c, school: c.School(1, chaosCells), ops: int64(ops), begun: time.Now()}
	var clients sync.WaitGroup
	for i := range chaosClients {
		clients.Go(func() { r.client(t, i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	breakThings(c, r, rand.New(rand.NewPCG(seed, math.MaxUint64)))
	clients.Wait()
	r.check(t, seed)
}

// number reads a number from the environment.
func number(t *testing.T, name string, preset uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s %q: give a number", name, text)
	}
	return n
}

// breakThings kills leaders and cuts off minorities, one fault at a time, and
// mends each, until the clients have made their operations. Between two steps
// it waits for progress, not for time.
func breakThings(c *nodetest.Cluster, r *recorder, choose *rand.Rand) {
	const under = 10 // operations while something is broken
	step := max(r.ops/20, 20)
	for {
		c.Eventually(nodetest.Patience, r.more(step))
		if r.over() {
			return
		}
		switch choose.IntN(4) {
		case 0, 1:
			leader := c.Leader()
			c.Kill(leader)
			c.Eventually(nodetest.Patience, r.more(under))
			c.Launch(leader)
		case 2:
			c.Cut(c.Leader(), fmt.Sprintf("n%d", 1+choose.IntN(chaosNodes))) // may be the same: then only the leader
			c.Eventually(nodetest.Patience, r.more(under))
			c.Heal()
		case 3:
			victim := fmt.Sprintf("n%d", 1+choose.IntN(chaosNodes))
			c.Stop(victim)
			c.Launch(victim)
		}
	}
}

// recorder makes operations and writes down what was called and answered.
type recorder struct {
	c      *nodetest.Cluster
	school nodetest.School
	ops    int64
	begun  time.Time

	started, answered atomic.Int64

	mu      sync.Mutex
	history []porcupine.Operation // guarded by mu
}

// over reports whether all operations have begun.
func (r *recorder) over() bool { return r.started.Load() >= r.ops }

// more is a check that n further operations are answered, or all have begun.
func (r *recorder) more(n int64) func() error {
	from := r.answered.Load()
	return func() error {
		if have := r.answered.Load() - from; have < n && !r.over() {
			return fmt.Errorf("%d further operations are answered, want %d", have, n)
		}
		return nil
	}
}

// client makes one operation after the other, each through a node of its
// choice, and on to the next one under the same key while there is no answer.
func (r *recorder) client(t *testing.T, id int, choose *rand.Rand) {
	var clients [chaosNodes]*grading.Client
	for i := range clients {
		clients[i] = r.c.Grades(fmt.Sprintf("n%d", i+1))
	}
	seen := [chaosCells]uint64{} // newest version this client knows
	for r.started.Add(1) <= r.ops {
		in := cellInput{cell: choose.IntN(chaosCells), write: choose.IntN(2) == 0}
		if in.write {
			in.points = gradebook.Points(choose.IntN(1_000_000))
			if choose.IntN(2) == 0 {
				base := seen[in.cell]
				in.base = &base
			}
		}
		ctx, cancel := context.WithTimeout(grading.WithKey(context.Background(), identity.NewID()), chaosGiveUp)
		call := time.Since(r.begun)
		var out cellOutput
		var known bool
		for at := choose.IntN(chaosNodes); ; at++ {
			score, err := r.do(ctx, clients[at%chaosNodes], in)
			if err != nil && nodetest.Again(err) && ctx.Err() == nil {
				continue
			}
			if out, known = outputOf(score, err); !known {
				t.Errorf("%+v: %v", in, err)
			}
			break
		}
		cancel()
		seen[in.cell] = max(seen[in.cell], out.state.version)
		r.note(id, in, out, call, known)
	}
}

func (r *recorder) do(ctx context.Context, g *grading.Client, in cellInput) (gradebook.Score, error) {
	ctx, cancel := context.WithTimeout(ctx, chaosAttempt)
	defer cancel()
	s := r.school
	if !in.write {
		return g.Score(ctx, s.Course, s.Assignments[0], s.Students[in.cell])
	}
	return g.SetScore(ctx, s.Course, s.Assignments[0], s.Students[in.cell], grading.ScoreEntry{Points: &in.points}, in.base)
}

func (r *recorder) note(client int, in cellInput, out cellOutput, call time.Duration, known bool) {
	back := time.Since(r.begun)
	if !known || out.unknown && !in.write {
		return // a read without an answer says nothing
	}
	if out.unknown {
		back = math.MaxInt64
	} else {
		r.answered.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: int64(call), Return: int64(back)})
}

// check asks porcupine, and on a bad history leaves a drawing of it.
func (r *recorder) check(t *testing.T, seed uint64) {
	unknown := 0
	for _, op := range r.history {
		if op.Output.(cellOutput).unknown {
			unknown++
		}
	}
	// The search is exponential in the worst case; this bounds it.
	verdict, info := porcupine.CheckOperationsVerbose(cellModel, r.history, time.Minute)
	t.Logf("%d operations answered, %d unanswered, in %v: %s", r.answered.Load(), unknown, time.Since(r.begun).Round(time.Millisecond), verdict)
	switch verdict {
	case porcupine.Ok:
	case porcupine.Unknown:
		t.Logf("porcupine found no fault in a minute, nor an order: make the run shorter")
	case porcupine.Illegal:
		path := filepath.Join(os.TempDir(), fmt.Sprintf("rollcall-linear-%d.html", seed))
		t.Errorf("no single gradebook could have answered so; seed %d, drawing %s, error of the drawing: %v",
			seed, path, porcupine.VisualizePath(cellModel, info, path))
	}
}
