package nodetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
)

// Load writes scores steadily from several writers, over all nodes in turn,
// each write under a key of its own and tried again until it is answered. It
// writes down what was acknowledged, and Verify counts that against what the
// gradebook says.
//
// A writer has cells of its own, so it knows what must be in them. The reason
// of each write, which the history keeps, is unique: it finds the write again.
type Load struct {
	c       *Cluster
	school  School
	nodes   []string // that writers call, in turn
	stop    context.CancelFunc
	writers sync.WaitGroup

	mu    sync.Mutex
	done  []write // guarded by mu: acknowledged, in order of the answers
	open  []write // guarded by mu: never answered
	tries int     // guarded by mu: the most that a write needed
	hard  []error // guarded by mu: errors of writes that failed twice in a row
	bad   []error // guarded by mu: refusals, which no write deserves
}

// write is one score that was sent.
type write struct {
	why           string
	assignment    string
	student       string
	points        int64
	version       uint64 // of the cell, as the answer says
	sent, settled time.Time
}

// Load starts writers. Students are divided among them: at least one each.
func (c *Cluster) Load(s School, writers int) *Load {
	c.t.Helper()
	if writers > len(s.Students) {
		c.t.Fatalf("%d writers share %d students: one each is needed", writers, len(s.Students))
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{c: c, school: s, nodes: c.Running(), stop: stop}
	for w := range writers {
		var own []string
		for i := w; i < len(s.Students); i += writers {
			own = append(own, s.Students[i])
		}
		l.writers.Go(func() { l.run(ctx, w, own) })
	}
	c.t.Cleanup(l.Stop)
	return l
}

func (l *Load) run(ctx context.Context, writer int, students []string) {
	clients := make([]*grading.Client, len(l.nodes))
	for i, name := range l.nodes {
		clients[i] = l.c.Grades(name)
	}
	at := writer
	for n := 0; ctx.Err() == nil; n++ {
		w := write{
			why: fmt.Sprintf("w%d-%d %s", writer, n, identity.NewID()), points: int64(n % 100), sent: time.Now(),
			student: students[n%len(students)], assignment: l.school.Assignments[n/len(students)%len(l.school.Assignments)],
		}
		entry := grading.ScoreEntry{Points: Points(w.points), Why: w.why}
		keyed := grading.WithKey(context.Background(), identity.NewID())
		var err error
		for try := 1; ; try++ {
			limit, cancel := context.WithTimeout(keyed, attemptTime)
			score, e := clients[at%len(clients)].SetScore(limit, l.school.Course, w.assignment, w.student, entry, nil)
			cancel()
			if err = e; err == nil || !Again(err) {
				w.version, w.settled = score.Version, time.Now()
				l.note(w, try, err)
				break
			}
			l.failed(at, try, err)
			at++ // the node may be the one that died
			if ctx.Err() != nil && time.Since(w.sent) > Patience {
				l.mu.Lock()
				l.open = append(l.open, w)
				l.mu.Unlock()
				return
			}
		}
		at++
	}
}

// failed notes a try that failed.
func (l *Load) failed(at, try int, err error) {
	if try < 2 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hard = append(l.hard, fmt.Errorf("try %d, at %s: %w", try, l.nodes[at%len(l.nodes)], err))
}

func (l *Load) note(w write, try int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries = max(l.tries, try)
	if err != nil {
		l.bad = append(l.bad, err)
		return
	}
	l.done = append(l.done, w)
}

// Acknowledged counts the writes that were answered.
func (l *Load) Acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.done)
}

// More is a check that n further writes are acknowledged from now on.
func (l *Load) More(n int) func() error {
	from := l.Acknowledged()
	return func() error {
		if have := l.Acknowledged() - from; have < n {
			l.mu.Lock()
			defer l.mu.Unlock()
			var last error
			if len(l.hard) > 0 {
				last = l.hard[len(l.hard)-1]
			}
			return fmt.Errorf("%d further writes are acknowledged, want %d; last failure: %v", have, n, last)
		}
		return nil
	}
}

// Gap returns the longest time without an answered write since from, until the
// last one.
func (l *Load) Gap(from time.Time) (longest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := from
	for _, w := range l.done {
		if w.settled.After(last) {
			longest, last = max(longest, w.settled.Sub(last)), w.settled
		}
	}
	return longest
}

// FailedTwice returns the failures of writes that were tried again and failed
// again: there are none while nodes only stop in good order.
func (l *Load) FailedTwice() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.hard)
}

// Stop ends the writers once each has its last answer.
func (l *Load) Stop() {
	l.stop()
	l.writers.Wait()
}

// Verify stops the load and compares: each acknowledged write stands in the
// history once, none stands there twice, each cell has as many versions as the
// history has writes of it, and holds the last of them.
func (l *Load) Verify() {
	l.c.t.Helper()
	l.Stop()
	for _, err := range l.bad {
		l.c.t.Errorf("a write was refused: %v", err)
	}
	history, cells := l.c.history(l.school.Course)
	lost, doubled := 0, 0
	last := map[[2]string]write{}
	for _, w := range l.done {
		switch history[w.why] {
		case 0:
			lost++
			l.c.t.Errorf("lost: %s, version %d of %s/%s", w.why, w.version, w.assignment, w.student)
		case 1:
		default:
			doubled++
			l.c.t.Errorf("applied %d times: %s", history[w.why], w.why)
		}
		cell := [2]string{w.assignment, w.student}
		if w.version > last[cell].version {
			last[cell] = w
		}
	}
	if len(l.open) == 0 {
		l.c.verifyCells(l.school, last, cells)
	}
	l.c.t.Logf("acknowledged %d, lost %d, doubled %d, unanswered %d, most tries %d", len(l.done), lost, doubled, len(l.open), l.tries)
}

// history counts a course's writes by their reason, and by cell.
func (c *Cluster) history(course string) (byWhy map[string]int, byCell map[[2]string]uint64) {
	c.t.Helper()
	byWhy, byCell = map[string]int{}, map[[2]string]uint64{}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for before := ""; ; {
		var page grading.History
		err := c.Insist(ctx, func(ctx context.Context, g *grading.Client) (err error) {
			page, err = g.History(ctx, course, grading.HistoryFilter{Limit: 1000, Before: before})
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.After != nil {
				byWhy[e.Why]++
				byCell[[2]string{e.Assignment, e.Student}]++
			}
		}
		if before = page.Next; before == "" {
			return byWhy, byCell
		}
	}
}

// verifyCells compares the gradebook with the last write of each cell.
func (c *Cluster) verifyCells(s School, last map[[2]string]write, versions map[[2]string]uint64) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for _, name := range c.Running() {
		book, err := c.Grades(name).Gradebook(ctx, s.Course, "")
		if err != nil {
			c.t.Fatalf("gradebook at %s: %v", name, err)
		}
		for _, row := range book.Rows {
			for _, a := range s.Assignments {
				cell := [2]string{a, row.Student.ID}
				score, want := row.Scores[a], last[cell]
				if score.Version != want.version || score.Version != versions[cell] {
					c.t.Errorf("%s: %v is at version %d, the last acknowledged is %d, the history has %d", name, cell, score.Version, want.version, versions[cell])
				} else if want.version > 0 && *score.Points != *Points(want.points) {
					c.t.Errorf("%s: %v holds %v, the last acknowledged is %d", name, cell, score.Points, want.points)
				}
			}
		}
	}
}
