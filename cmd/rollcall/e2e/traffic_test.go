package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// traffic writes grades and log records, steadily and on all nodes, while a
// story goes on. Every grade and every record is a number that is used once,
// so that afterwards each one that was acknowledged can be looked for.
type traffic struct {
	c    *cluster
	t    testing.TB
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	grades  []grade // acknowledged
	records []record
	lastOf  map[string]int // cell → the last number acknowledged in it
	failed  []error        // grades that nobody acknowledged in time
}

type grade struct {
	number      int
	sent, acked time.Time
	tries       int
}

type record struct {
	number int
	acked  time.Time
}

const (
	writers    = 4                     // people who type grades at the same time, each in cells of their own
	gradePace  = 40 * time.Millisecond // between two grades of one writer
	recordPace = 25 * time.Millisecond // between two log records
)

// numbers are used once in the life of this process; points begin where no
// imported score is.
var numbers atomic.Int64

// traffic starts the writers; client says how long one node may take.
func (c *cluster) traffic(t testing.TB, client *http.Client) *traffic {
	t.Helper()
	x := &traffic{c: c, t: t, stop: make(chan struct{}), lastOf: map[string]int{}}
	book := c.book(t)
	for w := range writers {
		var cells []string
		for i := w; i < len(book.Rows); i += writers {
			cells = append(cells, fmt.Sprintf("/v1/courses/c1/assignments/%s/scores/%s", book.Assignments[0].ID, book.Rows[i].Student.ID))
		}
		x.done.Go(func() { x.write(client, cells) })
	}
	x.done.Go(x.report)
	t.Cleanup(x.halt)
	return x
}

type book struct {
	Assignments []struct{ ID, Title string }
	Rows        []struct {
		Student struct{ ID, First, Last string }
		Scores  map[string]struct {
			Points, Status string
			Version        uint64
		}
	}
}

// book reads the first course from whichever node answers.
func (c *cluster) book(t testing.TB) (b book) {
	t.Helper()
	eventually(t, 20*time.Second, "the gradebook is read", func() (err error) {
		for _, p := range c.running() {
			if err = c.get(p, "/v1/courses/c1/gradebook", &b); err == nil {
				return nil
			}
		}
		return err
	})
	return b
}

// write puts number after number into the cells, each until a node takes it.
func (x *traffic) write(client *http.Client, cells []string) {
	tick := time.NewTicker(gradePace)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-x.stop:
			return
		case <-tick.C:
		}
		number := 1000 + int(numbers.Add(1))
		g := grade{number: number, sent: time.Now()}
		body := map[string]string{"points": strconv.Itoa(number), "status": "graded"}
		cell, key := cells[i%len(cells)], fmt.Sprintf("e2e-%d", number)
		_, err := await(30*time.Second, func() error {
			p := x.c.nodes[(number+g.tries)%len(x.c.nodes)]
			g.tries++
			return call(client, p, x.c.token, http.MethodPut, cell, key, body, nil)
		})
		g.acked = time.Now()
		x.mu.Lock()
		if err != nil {
			x.failed = append(x.failed, fmt.Errorf("grade %d: %w", number, err))
		} else {
			x.grades = append(x.grades, g)
			x.lastOf[cell] = number
		}
		x.mu.Unlock()
	}
}

// report hands log records to the nodes in turn, as any program on the machine
// may. A record that a node did not
// acknowledge is not sent again: it may be there or not.
func (x *traffic) report() {
	tick := time.NewTicker(recordPace)
	defer tick.Stop()
	for {
		select {
		case <-x.stop:
			return
		case <-tick.C:
		}
		number := int(numbers.Add(1))
		p := x.c.nodes[number%len(x.c.nodes)]
		line := fmt.Sprintf(`{"msg":"a record of the stories","number":%d}`, number)
		if call(hasty, p, "", http.MethodPost, "/v1/ingest?service=e2e", "", line, nil) == nil {
			x.mu.Lock()
			x.records = append(x.records, record{number, time.Now()})
			x.mu.Unlock()
		}
	}
}

func (x *traffic) halt() {
	select {
	case <-x.stop:
	default:
		close(x.stop)
	}
	x.done.Wait()
}

// nextGrade waits for a grade that was sent after a moment and acknowledged,
// and returns how long after it that was.
func (x *traffic) nextGrade(after time.Time) time.Duration {
	x.t.Helper()
	var first time.Time
	eventually(x.t, 20*time.Second, "a grade is acknowledged", func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, g := range x.grades {
			if g.sent.After(after) && (first.IsZero() || g.acked.Before(first)) {
				first = g.acked
			}
		}
		if first.IsZero() {
			return fmt.Errorf("%d acknowledged, none since", len(x.grades))
		}
		return nil
	})
	return first.Sub(after)
}

// nextRecord is nextGrade for log records.
func (x *traffic) nextRecord(after time.Time) time.Duration {
	x.t.Helper()
	var first time.Time
	eventually(x.t, 20*time.Second, "a log record is acknowledged", func() error {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, r := range x.records {
			if r.acked.After(after) {
				first = r.acked
				return nil
			}
		}
		return fmt.Errorf("%d acknowledged, none since", len(x.records))
	})
	return first.Sub(after)
}

// forgetRecords gives up the records of so far: they may have been on one disk
// only, and that is lost.
func (x *traffic) forgetRecords() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.records = nil
}

// most is the number of tries that the unluckiest grade took.
func (x *traffic) most() (tries int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, g := range x.grades {
		tries = max(tries, g.tries)
	}
	return tries
}

// check stops the writers and looks for everything that was acknowledged.
func (x *traffic) check() {
	x.t.Helper()
	x.halt()
	for _, err := range x.failed {
		x.t.Error(err)
	}
	x.checkGrades()
	x.checkRecords()
	measured(x.t, "acknowledged %d grades and %d log records: none lost, none doubled; at most %d tries", len(x.grades), len(x.records), x.most())
}

// checkGrades counts each number in the history, and compares the table.
func (x *traffic) checkGrades() {
	x.t.Helper()
	p := x.c.running()[0]
	times := map[string]int{}
	for before := ""; ; {
		var page struct {
			Events []struct {
				Index uint64
				After *struct{ Points string }
			}
			Next string
		}
		if err := x.c.get(p, "/v1/courses/c1/history?limit=1000"+before, &page); err != nil {
			x.t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.After != nil {
				times[e.After.Points]++
			}
		}
		if page.Next == "" {
			break
		}
		before = "&before=" + page.Next
	}
	for _, g := range x.grades {
		if n := times[strconv.Itoa(g.number)]; n != 1 {
			x.t.Errorf("grade %d was acknowledged and stands %d times in the history", g.number, n)
		}
	}
	for cell, number := range x.lastOf {
		var score struct{ Points string }
		if err := x.c.get(p, cell, &score); err != nil || score.Points != strconv.Itoa(number) {
			x.t.Errorf("%s holds %q (%v), last acknowledged was %d", cell, score.Points, err, number)
		}
	}
}

// checkRecords waits until every acknowledged record can be found: one that
// was on a dead node's disk only comes when that node is back.
func (x *traffic) checkRecords() {
	x.t.Helper()
	if len(x.records) == 0 {
		return
	}
	eventually(x.t, 20*time.Second, "every acknowledged record is found", func() error {
		found := map[int]int{}
		for cursor := ""; ; {
			var page struct {
				Complete bool
				Records  []struct{ Number int }
				Next     string
			}
			path := "/v1/logs?service=e2e&limit=5000" + cursor
			if err := call(patient, x.c.running()[0], "", http.MethodGet, path, "", nil, &page); err != nil {
				return err
			}
			for _, r := range page.Records {
				found[r.Number]++
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
		lost, doubled := 0, 0
		for _, r := range x.records {
			switch found[r.number] {
			case 0:
				lost++
			case 1:
			default:
				doubled++
			}
		}
		if lost+doubled > 0 {
			return fmt.Errorf("of %d acknowledged records %d are not found and %d are found more than once", len(x.records), lost, doubled)
		}
		return nil
	})
}
