package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading"
)

// loadCommand writes grades steadily while nodes may die, then reads everything
// back and counts. It is the promise of the program made into a number: an
// acknowledged grade is in the history once, not never and not twice.
//
// Each writer owns one cell, writes one value after the other into it, and
// puts a name of its own into the comment of each. A write that gets no answer
// is sent again, to another node, under the same idempotency key. Afterwards
// the course's history is read whole: a name that was acknowledged and is not
// there is lost; one that is there more often than once is doubled; names of
// one cell that are not in the order written are reordered.
type loadCommand struct {
	conn
	Writers int           `default:"8" help:"Writers at the same time, 1 to 256."`
	Rate    int           `default:"100" help:"Writes a second, all writers together; 0 for as fast as answers come."`
	For     time.Duration `default:"10s" help:"How long to write."`
	Attempt time.Duration `default:"1s" help:"How long one node may take for an answer before the next is asked."`
	Marks   bool          `help:"Each line of standard input is a moment in the report, as in: (sleep 3; kill -9 $PID; echo killed) | rollcall load --marks."`
	JSON    bool          `help:"Print the report as JSON."`
}

// patience is how long one write, or one page of the history, may take in all:
// longer than any failover.
const patience = 30 * time.Second

// loadCode is the code of the course that load writes into. It makes the
// course when there is none, and uses it again.
const loadCode = "LOAD"

func (l *loadCommand) check(f *faults) {
	l.conn.check(f)
	if l.Writers < 1 || l.Writers > 256 {
		f.add("--writers", strconv.Itoa(l.Writers), "give 1 to 256")
	}
	if l.Rate < 0 {
		f.add("--rate", strconv.Itoa(l.Rate), "give 0 or more writes a second")
	}
	if l.For <= 0 {
		f.add("--for", l.For.String(), "give a positive duration, as in 10s")
	}
	if l.Attempt <= 0 {
		f.add("--attempt", l.Attempt.String(), "give a positive duration, as in 1s")
	}
}

// Run writes, reads back, and reports. It fails unless all is as it should be.
func (l *loadCommand) Run(ctx context.Context, c *console) error {
	bearer, err := l.bearer(c.getenv)
	if err != nil {
		return err
	}
	t, err := plainTransport(l.CAFile, l.Fingerprint, l.Attempt)
	if err != nil {
		return err
	}
	// via returns a client that begins at the i-th node and has patience.
	via := func(i int) *grading.Client {
		n := l.over(t, bearer)
		n.wait, n.patient = patience, true
		n.last.Store(int64(i % len(n.bases)))
		return grading.NewClient(n, anyNode)
	}
	field, err := plough(ctx, via(0), l.Writers)
	if err != nil {
		return fmt.Errorf("prepare the course %s: %w", loadCode, err)
	}

	rec := newRecord(identity.NewID()[:8])
	watching, unwatch := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	for _, base := range l.urls() {
		watchers.Go(func() { rec.watch(watching, base, bearer) })
	}
	if l.Marks {
		go rec.marks(c.in) // ends with the input: a read cannot be taken back
	}
	started := time.Now()
	err = l.write(ctx, rec, field, via)
	rec.stopped(started, time.Now())
	unwatch()
	watchers.Wait()
	if err != nil {
		return err
	}

	events, cells, err := readBack(ctx, via(0), field, rec.run, started)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	report := rec.report(len(l.Node), l.Writers)
	report.Tally = tally(rec.acknowledged(), events, cells)
	if l.JSON {
		err = printJSON(c.out, report)
	} else {
		err = report.print(c.out)
	}
	if err != nil {
		return err
	}
	return report.verdict()
}

// write runs the writers until the time is over, and then until each has the
// answer to its last write.
func (l *loadCommand) write(ctx context.Context, rec *record, field *field, via func(int) *grading.Client) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	end := time.Now().Add(l.For)
	var every time.Duration
	if l.Rate > 0 {
		every = time.Second * time.Duration(l.Writers) / time.Duration(l.Rate)
	}
	var writers sync.WaitGroup
	for w := range l.Writers {
		writers.Go(func() {
			wr := writer{number: w, client: via(w), field: field, rec: rec, every: every}
			if err := wr.run(ctx, end); err != nil {
				giveUp(fmt.Errorf("writer %d: %w", w+1, err))
			}
		})
	}
	writers.Wait()
	return context.Cause(ctx)
}
