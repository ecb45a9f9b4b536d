package grading

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/identity"
)

// problem returns err as the problem that it must be.
func problem(t *testing.T, err error, status int, says string) *httpapi.Problem {
	t.Helper()
	p, ok := errors.AsType[*httpapi.Problem](err)
	if !ok || p.Status != status || !strings.Contains(p.Error(), says) {
		t.Fatalf("got %v, want a problem with status %d that says %q", err, status, says)
	}
	return p
}

// insist writes until an answer comes, under one key, as a good client does.
func insist(ctx context.Context, write func(ctx context.Context) error) error {
	ctx = WithKey(ctx, identity.NewID())
	for {
		err := write(ctx)
		p, refused := errors.AsType[*httpapi.Problem](err)
		if err == nil || refused && p.Status != http.StatusServiceUnavailable || ctx.Err() != nil {
			return err
		}
	}
}

func TestWriteSurvivesLeaderLoss(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	ctx, cancel := context.WithTimeout(asAdmin(t.Context()), time.Minute)
	defer cancel()
	c := g.client()
	course, assignment, student := classroom(t, c)
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				e := points(int64(n))
				e.Why = fmt.Sprintf("writer %d write %d", w, n)
				err := insist(ctx, func(ctx context.Context) error {
					_, err := c.SetScore(ctx, course, assignment, student, e, nil)
					return err
				})
				if err != nil {
					t.Errorf("%s: %v", e.Why, err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	for range 3 {
		before := acknowledged.Load()
		g.eventually(func() error {
			if acknowledged.Load() < before+20 {
				return errors.New("too few writes")
			}
			return nil
		})
		l := g.mustLeader()
		l.kill()
		g.eventually(func() error {
			if acknowledged.Load() < before+40 {
				return errors.New("writes have not resumed")
			}
			return nil
		})
		l.start()
	}
	close(stop)
	wg.Wait()
	// The history must hold each acknowledged write once, and each cell version
	// must be one write.
	score, err := c.Score(ctx, course, assignment, student)
	if err != nil {
		t.Fatal(err)
	}
	if int64(score.Version) != acknowledged.Load() {
		t.Fatalf("acknowledged %d writes, the cell has seen %d", acknowledged.Load(), score.Version)
	}
	seen := map[string]int{}
	for before := ""; ; {
		page, err := c.History(ctx, course, HistoryFilter{Assignment: assignment, Limit: 1000, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.Student != "" {
				seen[e.Why]++
			}
		}
		if before = page.Next; before == "" {
			break
		}
	}
	for why, n := range seen {
		if n != 1 {
			t.Errorf("%s was applied %d times", why, n)
		}
	}
	t.Logf("acknowledged %d, lost 0, doubled 0, over 3 leader losses", acknowledged.Load())
}

func TestTwoVotersRefuseClearlyAndResume(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.tune = func(c *Config) { c.patience = 500 * time.Millisecond }
	g.add("n1").start()
	g.add("n2").start()
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(2)
	ctx := asAdmin(t.Context())
	c := g.node("n1").client()
	course, assignment, student := classroom(t, c)
	g.node("n2").kill()
	g.eventually(func() error {
		_, err := c.SetScore(ctx, course, assignment, student, points(1), nil)
		if p, ok := errors.AsType[*httpapi.Problem](err); !ok || p.Status != 503 || !strings.Contains(p.Detail, "writes refused: 1 of 2 voters up") {
			return fmt.Errorf("got %v", err)
		}
		return nil
	})
	if _, err := c.Gradebook(ctx, course, ""); err == nil {
		t.Fatal("a linearizable read was answered without a quorum")
	}
	var age time.Duration
	if _, err := c.Gradebook(Stale(ctx, &age), course, ""); err != nil || age == 0 {
		t.Fatalf("a stale read: %v, age %v", err, age)
	}
	g.node("n2").start()
	if err := insist(ctx, func(ctx context.Context) error {
		_, err := c.SetScore(ctx, course, assignment, student, points(2), nil)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLeaderWithAnEmptyGossipViewRemovesNobody(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	for _, m := range g.all() {
		g.mu.Lock()
		m.view = func() []membership.Member { return nil }
		g.mu.Unlock()
	}
	g.mustLeader().kill() // the others elect one who sees nobody
	// The configuration must not change for several times as long as it takes
	// to replace a voter that is gone.
	until := time.Now().Add(5 * 500 * time.Millisecond)
	for time.Now().Before(until) {
		l := g.mustLeader()
		if st := l.service.Status(); len(st.Voters) != 3 {
			t.Fatalf("voters are %v", st.Voters)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestDeadVoterIsReplacedByASpareAndComesBackAsOne(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 4)
	st := g.mustLeader().service.Status()
	if len(st.Voters) != 3 || len(st.Replicas) != 1 {
		t.Fatalf("four nodes: %d voters, %d spares; want 3 and 1", len(st.Voters), len(st.Replicas))
	}
	dead := g.node(st.Voters[slices.IndexFunc(st.Voters, func(id string) bool { return id != st.Leader })])
	dead.kill()
	is := func(voter bool) func() error {
		return func() error {
			l, err := g.leader()
			if err != nil {
				return err
			}
			st := l.service.Status()
			if len(st.Voters) != 3 || slices.Contains(st.Voters, dead.id) != voter {
				return fmt.Errorf("voters %v, replicas %v", st.Voters, st.Replicas)
			}
			return nil
		}
	}
	g.eventually(is(false))
	dead.start()
	g.eventually(func() error {
		if st := g.mustLeader().service.Status(); !slices.Contains(st.Replicas, dead.id) {
			return fmt.Errorf("%s is not back: replicas %v", dead.id, st.Replicas)
		}
		return nil
	})
}

func TestFollowerReadsAreLinearizableWhileCutOffNodesRefuse(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.tune = func(c *Config) { c.patience = 500 * time.Millisecond }
	for i := range 3 {
		g.add(fmt.Sprintf("n%d", i+1)).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(3)
	ctx := asAdmin(t.Context())
	course, assignment, student := classroom(t, g.client())
	old := g.mustLeader()
	var others []string
	for _, m := range g.all() {
		if m.id != old.id {
			others = append(others, m.id)
		}
	}
	g.cutOff([]string{old.id}, others)
	err := insist(ctx, func(ctx context.Context) error {
		_, err := g.node(others[0]).client().SetScore(ctx, course, assignment, student, points(7), nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range others {
		if got, err := g.node(id).client().Score(ctx, course, assignment, student); err != nil || got.Points.String() != "7" {
			t.Fatalf("%s reads %+v, %v", id, got, err)
		}
	}
	_, err = old.client().Score(ctx, course, assignment, student)
	problem(t, err, 503, "")
	if got, err := old.client().Score(Stale(ctx, nil), course, assignment, student); err != nil || got.Points != nil {
		t.Fatalf("the cut-off node's stale read: %+v, %v; want the old, empty cell", got, err)
	}
	g.heal()
	g.eventually(func() error {
		if got, err := old.client().Score(ctx, course, assignment, student); err != nil || got.Points == nil {
			return fmt.Errorf("healed node reads %+v, %v", got, err)
		}
		return nil
	})
}

func TestPausedLeaderHoldsUpNobody(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	ctx := asAdmin(t.Context())
	course, assignment, student := classroom(t, g.client())
	l, f := g.mustLeader(), g.follower()
	var others []string
	for _, m := range g.all() {
		if m.id != l.id {
			others = append(others, m.id)
		}
	}
	g.mu.Lock()
	l.paused = true
	g.mu.Unlock()
	begun := time.Now()
	wrote := make(chan error, 1)
	go func() { // goes to the leader, which takes it and says nothing
		_, err := f.client().SetScore(ctx, course, assignment, student, points(4), nil)
		wrote <- err
	}()
	g.cutOff([]string{l.id}, others)
	g.mu.Lock() // its HTTP hangs, it does not break
	for _, id := range others {
		delete(g.cut, [2]string{id, l.id})
	}
	g.mu.Unlock()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if got, err := f.client().Score(ctx, course, assignment, student); err != nil || got.Version != 1 {
		t.Fatalf("%+v, %v; want the write once", got, err)
	}
	t.Logf("written and read %v after the leader froze", time.Since(begun).Round(time.Millisecond))
}

func TestRestartsAndSnapshotsLoseNothing(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	g.tune = func(c *Config) { c.snapshotEvery = 16 }
	for i := range 3 {
		g.add(fmt.Sprintf("n%d", i+1)).start()
	}
	if _, err := g.node("n1").service.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.settle(3)
	ctx := asAdmin(t.Context())
	course, assignment, student := classroom(t, g.client())
	behind := g.follower()
	behind.kill()
	first := WithKey(ctx, "first-write")
	var want uint64
	for n := range 100 {
		score, err := g.client().SetScore(map[bool]context.Context{true: first, false: ctx}[n == 0], course, assignment, student, points(int64(n)), nil)
		if err != nil {
			t.Fatal(err)
		}
		want = score.Version
	}
	// The log that the dead node would need is gone: it gets a snapshot.
	behind.start()
	g.settle(3)
	for _, m := range g.all() {
		m.kill()
	}
	for _, m := range g.all() {
		m.start()
	}
	g.settle(3)
	for _, m := range g.all() {
		got, err := m.client().Score(ctx, course, assignment, student)
		if err != nil || got.Version != want {
			t.Fatalf("%s: %+v, %v; want version %d", m.id, got, err, want)
		}
	}
	// The memory of commands is in the snapshots: the old write is not repeated.
	again, err := behind.client().SetScore(first, course, assignment, student, points(0), nil)
	if err != nil || again.Version != 1 {
		t.Fatalf("repeated under its key: %+v, %v; want the first answer, version 1", again, err)
	}
	hash := func(m *member) string { return fmt.Sprintf("%x", m.service.fsm.view.Load().Hash()) }
	if a, b, c := hash(g.node("n1")), hash(g.node("n2")), hash(g.node("n3")); a != b || b != c {
		t.Fatalf("the books differ: %s %s %s", a, b, c)
	}
}

func TestWipedNodeJoinsAsANewOneAndNeverFounds(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	ctx := asAdmin(t.Context())
	course, assignment, student := classroom(t, g.client())
	id := g.node("n1").service.Status().Gradebook
	old := g.node("n1")
	old.kill()
	// Under its old id an empty disk is refused.
	if err := renameAway(old.dir); err != nil {
		t.Fatal(err)
	}
	if err := old.try(); err == nil || !strings.Contains(err.Error(), "rollcall leave --id n1") {
		t.Fatalf("a wiped voter started under its old id: %v", err)
	}
	fresh := g.add("n4").start()
	if _, err := fresh.service.Found(t.Context()); err == nil {
		t.Fatal("a new node founded a second gradebook")
	}
	g.eventually(func() error {
		if st := fresh.service.Status(); st.Gradebook != id || !st.Voter {
			return fmt.Errorf("%+v", st)
		}
		return nil
	})
	if _, err := fresh.client().SetScore(ctx, course, assignment, student, points(3), nil); err != nil {
		t.Fatal(err)
	}
	g.eventually(func() error {
		if st := g.mustLeader().service.Status(); slices.Contains(st.Voters, "n1") {
			return fmt.Errorf("the dead id still votes: %v", st.Voters)
		}
		return nil
	})
}

func TestNodesOfAnotherGradebookAreRefusedLoudly(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a, b := g.add("n1").start(), g.add("n2").start()
	hidden := func() []membership.Member { return nil }
	g.mu.Lock()
	a.view, b.view = hidden, hidden
	g.mu.Unlock()
	for _, m := range []*member{a, b} {
		if _, err := m.service.Found(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	g.mu.Lock()
	a.view, b.view = nil, nil // now they see each other
	g.mu.Unlock()
	g.eventually(func() error {
		for _, m := range []*member{a, b} {
			// One may have been added before its tag was seen; its raft then
			// hung up on the stranger, and it is taken out again.
			if st := m.service.Status(); len(st.Voters) != 1 || len(st.Replicas) != 0 {
				return fmt.Errorf("%s: voters %v, replicas %v", m.id, st.Voters, st.Replicas)
			}
			g.mu.Lock()
			told := slices.ContainsFunc(m.events, func(e string) bool { return strings.HasPrefix(e, "grading.refused") })
			g.mu.Unlock()
			if !told {
				return fmt.Errorf("%s tells nobody of the other gradebook", m.id)
			}
		}
		return nil
	})
	for _, m := range []*member{a, b} {
		if made, err := m.client().CreateCourse(asAdmin(t.Context()), NewCourse{Title: "x"}); err != nil || made.ID != "c1" {
			t.Fatalf("%s: %+v, %v; want the first course of a gradebook of its own", m.id, made, err)
		}
	}
	if _, err := a.service.Found(t.Context()); err == nil {
		t.Fatal("founded twice")
	}
}

func TestRetiredIDLeavesAndNeverComesBack(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	l := g.mustLeader()
	ctx, cancel := context.WithTimeout(asAdmin(t.Context()), 20*time.Second)
	defer cancel()
	// The leader itself goes: it hands over first.
	if err := g.follower().client().Retire(ctx, l.id); err != nil {
		t.Fatal(err)
	}
	g.eventually(func() error {
		now, err := g.leader()
		if err != nil || now.id == l.id {
			return fmt.Errorf("leader %v, %v", now, err)
		}
		if st := now.service.Status(); len(st.Voters) != 2 || slices.Contains(st.Voters, l.id) {
			return fmt.Errorf("voters %v", st.Voters)
		}
		return nil
	})
	l.kill()
	l.start()
	until := time.Now().Add(time.Second)
	for time.Now().Before(until) {
		if st := g.mustLeader().service.Status(); slices.Contains(st.Voters, l.id) || slices.Contains(st.Replicas, l.id) {
			t.Fatalf("the retired node is back: %+v", st)
		}
		<-time.After(25 * time.Millisecond)
	}
	_, err := l.client().Courses(ctx)
	if p := problem(t, err, 503, ""); p.GetHeaders().Get(httpapi.HeaderNotServing) == "" {
		t.Fatal("a node that serves nothing does not say that another may be asked")
	}
	problem(t, g.client().Retire(ctx, "nobody"), 404, "nobody")
}

func TestHandOverMovesTheLeaderAtOnce(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	l := g.mustLeader()
	if err := l.service.HandOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.eventually(func() error {
		if now, err := g.leader(); err != nil || now.id == l.id {
			return fmt.Errorf("leader %v, %v", now, err)
		}
		return nil
	})
}
