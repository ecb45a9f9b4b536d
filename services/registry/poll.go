package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/identity"
)

const (
	// pollEvery is the mean time from one round of questions to the next,
	// jittered by a tenth so that registry nodes do not ask in step. Each
	// round costs one small request per member and registry node.
	pollEvery = time.Second
	// pollDeadline ends a round. It is shorter than pollEvery, so a node that
	// hangs never delays the next look at the others.
	pollDeadline = 800 * time.Millisecond
	// maxReport bounds the bytes read of one report.
	maxReport = 1 << 20
	// silentAfter is how many polls in a row must fail until a node counts as
	// silent from here.
	silentAfter = 3
)

// heard is the last report of one node, and what became of asking since.
type heard struct {
	report   NodeReport
	at       time.Time // when the report arrived
	ok       bool      // whether there is one
	failures int       // polls that failed since, in a row
	err      string    // why the last one failed
	marks    []mark    // of the last few reports, oldest first
}

// mark is what a report said to be agreed on, and when it arrived.
type mark struct {
	at        time.Time
	gradebook string
	commit    uint64
}

// keptMarks is how many reports of a node leave a mark: the view's own moment,
// the last poll, and the one before that all others have had time to follow.
const keptMarks = 3

// reportBook keeps the last report of every node. A report is kept while its
// node is a member, whatever its age: a dead node's last word still says how
// far its copy of the gradebook had come.
type reportBook struct {
	mu   sync.Mutex
	last map[string]heard // by node id; guarded by mu
}

func (b *reportBook) took(id string, r NodeReport, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.init()
	h := heard{report: r, at: at, ok: true, marks: b.last[id].marks}
	if g := r.Grading; g != nil {
		h.marks = append(slices.Clone(h.marks), mark{at, g.Gradebook, g.CommitIndex})
		h.marks = h.marks[max(0, len(h.marks)-keptMarks):]
	}
	b.last[id] = h
}

func (b *reportBook) failed(id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.init()
	h := b.last[id]
	h.failures++
	h.err = brief(err)
	b.last[id] = h
}

func (b *reportBook) init() {
	if b.last == nil {
		b.last = map[string]heard{}
	}
}

// keep forgets all nodes but those named.
func (b *reportBook) keep(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.last, func(id string, _ heard) bool { return !slices.Contains(ids, id) })
}

// all returns a copy that the caller may add to.
func (b *reportBook) all() map[string]heard {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[string]heard, len(b.last)+1)
	maps.Copy(out, b.last)
	return out
}

// silent reports whether the last few polls of a node all failed.
func (b *reportBook) silent(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last[id].failures >= silentAfter
}

// rounds asks everybody once a second while this node serves.
func (s *Service) rounds(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick: // serving began
		case <-next.C:
		}
		next.Reset(pollEvery*9/10 + rand.N(pollEvery/5))
		if s.Serving() {
			s.round(ctx)
			s.board.nudge()
		}
	}
}

// round polls every live member at once, and probes them too while this node
// leads. It returns when all have answered or pollDeadline has passed.
func (s *Service) round(ctx context.Context) {
	members := s.cfg.Members()
	leads := s.updateLead()
	s.reports.took(s.cfg.Self, s.cfg.Report(), time.Now().UTC())

	asking, cancel := context.WithTimeout(ctx, pollDeadline)
	defer cancel()
	var wg sync.WaitGroup
	ids := make([]string, 0, len(members))
	for _, m := range members {
		ids = append(ids, m.ID)
		if m.ID == s.cfg.Self || m.Status != membership.StatusAlive && m.Status != membership.StatusLeaving {
			continue
		}
		wg.Go(func() {
			report, err := s.poll(asking, m.ID)
			switch {
			case ctx.Err() != nil: // we stop; that says nothing about m
			case err != nil:
				s.reports.failed(m.ID, err)
			default:
				s.reports.took(m.ID, report, time.Now().UTC())
			}
		})
		if leads {
			wg.Go(func() {
				status, output := s.probe(asking, m.ID)
				if ctx.Err() == nil {
					s.probes.note(m.ID, status, output, time.Now().UTC())
				}
			})
		}
	}
	wg.Wait()
	s.reports.keep(ids)
	s.probes.keep(ids)
	s.updateLead() // the lead itself may just have turned out silent
}

// poll asks one node for its report.
func (s *Service) poll(ctx context.Context, id string) (NodeReport, error) {
	var r NodeReport
	resp, err := s.ask(ctx, id, "/v1/node")
	if err != nil {
		return r, err
	}
	defer discard(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return r, fmt.Errorf("answers %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReport)).Decode(&r); err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	if r.ID != id {
		return r, fmt.Errorf("report is of node %q", r.ID)
	}
	return r, nil
}

// ask sends a GET to exactly one node, in this node's own name.
func (s *Service) ask(ctx context.Context, id, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+id+".node"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(identity.Header, identity.Principal{Name: s.cfg.Self, Role: identity.Node}.Encode())
	return s.cfg.Peers.RoundTrip(req)
}

// brief puts an error in few words for people, one line of at most 160 bytes.
func brief(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + pollDeadline.String()
	}
	return firstLine(err.Error())
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return strings.ToValidUTF8(s[:min(len(s), 160)], "")
}

// sleep waits for d and reports whether ctx is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
