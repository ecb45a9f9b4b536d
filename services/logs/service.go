package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/services/logs/segment"
)

// Config says how a log node stores and answers.
type Config struct {
	// Dir is the node's data directory; the store is its folder "logs".
	Dir string
	// NodeID is this node's id.
	NodeID string
	// Members lists the cluster as gossip sees it, this node too.
	Members func() []membership.Member
	// Peers reaches exactly one member by the host "<id>.node".
	Peers http.RoundTripper
	// Days is how many whole days before today are kept, by the clock of the
	// node that took the records in. 0: all.
	Days int
	// MaxBytes bounds the store, in bytes. Above it the oldest days are
	// dropped; when today's records alone are more, it takes no more and the
	// batches go to other nodes. 0: what the disk has.
	MaxBytes int64
	// Logger is told of the start. What goes wrong later goes to Stderr only: see
	// the package comment. Default: discard.
	Logger *slog.Logger
	// Health is told whether the store takes batches. May be nil.
	Health *health.Set
	// Stderr is where the store's own troubles are written. Default os.Stderr.
	Stderr io.Writer
}

// Status is what a store holds.
type Status struct {
	Batches   int64 `json:"batches"`
	Bytes     int64 `json:"bytes"`
	Conflicts int64 `json:"conflicts"` // batches refused since the start: their name was taken
}

// Service is the log role: it stores batches and answers queries for the whole
// cluster. All methods may be called at once.
type Service struct {
	cfg   Config
	own   *troubles
	store *store
	know  *knowledge
	peers peers
	saved []byte // manifests as last written; used by Run alone

	started time.Time
	pulls   sync.Map // peer id → *sync.Mutex: one question at a time
}

const (
	pullEvery    = time.Second
	pullTimeout  = time.Second
	saveEvery    = 5 * time.Second
	manifestFile = "manifests.json"
)

// New opens the store and recovers what is in it.
func New(cfg Config) (*Service, error) {
	var errs []error
	if cfg.Dir == "" || cfg.NodeID == "" {
		errs = append(errs, fmt.Errorf("logs.Config.Dir %q and NodeID %q must not be empty", cfg.Dir, cfg.NodeID))
	}
	if cfg.Members == nil || cfg.Peers == nil {
		errs = append(errs, errors.New("logs.Config.Members and Peers must be set"))
	}
	if cfg.Days < 0 || cfg.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("logs.Config.Days %d and MaxBytes %d must not be negative", cfg.Days, cfg.MaxBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Health == nil {
		cfg.Health = new(health.Set)
	}
	if cfg.Stderr == nil {
		cfg.Stderr = os.Stderr
	}
	gen := &generations{}
	s := &Service{cfg: cfg, own: newTroubles(cfg.Stderr, "log store"), know: newKnowledge(gen), peers: peers{cfg.Peers, cfg.NodeID}, started: time.Now()}
	var rec segment.Recovery
	var err error
	if s.store, rec, err = openStore(filepath.Join(cfg.Dir, "logs"), cfg.MaxBytes, s.own, gen); err != nil {
		return nil, err
	}
	if err := s.loadManifests(); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	cfg.Logger.With("part", "log store").Info("log store opened", "batches", rec.Frames, "tornBytes", rec.Torn, "damagedBytes", rec.Damaged)
	return s, nil
}

// Run exchanges with the other log nodes what each holds, until ctx ends; then
// it closes the store.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(pullEvery)
	defer tick.Stop()
	saved := time.Now()
	for {
		s.checkup()
		select {
		case <-ctx.Done():
			return errors.Join(s.saveManifests(), s.store.close())
		case <-tick.C:
		}
		// Jitter: log nodes that started together must not ask together for ever.
		tick.Reset(pullEvery + rand.N(pullEvery/5) - pullEvery/10)
		s.refresh(ctx, pullEvery/2)
		if time.Since(saved) > saveEvery {
			saved = time.Now()
			s.retain()
			if err := s.saveManifests(); err != nil {
				s.own.report("manifests could not be written", "error", err)
			}
		}
	}
}

// Status is what the store holds now.
func (s *Service) Status() Status {
	st, _ := s.store.status() // why it takes no more is in the node's health
	return st
}

func (s *Service) checkup() {
	st, err := s.store.status()
	switch {
	case err != nil:
		s.cfg.Health.Report("log store", health.Critical, fmt.Sprintf("takes no batches, other log nodes must: %v", err))
	case st.Conflicts > 0:
		s.cfg.Health.Report("log store", health.Warning, fmt.Sprintf("%d batches were refused, since their names are known with other bytes", st.Conflicts))
	default:
		s.cfg.Health.Report("log store", health.Passing, fmt.Sprintf("%d batches, %d bytes", st.Batches, st.Bytes))
	}
}

// retain drops old days and tells peers so.
func (s *Service) retain() {
	dropped, err := s.store.retain(time.Now(), s.cfg.Days)
	if dropped {
		s.know.restart()
	}
	if err != nil {
		s.own.report("old days could not be dropped", "error", err)
	}
}

// refresh asks each live peer what is new, unless it was asked less than
// fresh ago, and returns those that can be relied on now, this node first.
func (s *Service) refresh(ctx context.Context, fresh time.Duration) []string {
	ctx, cancel := context.WithTimeout(ctx, pullTimeout)
	defer cancel()
	var mu sync.Mutex
	live := []string{s.cfg.NodeID}
	var wg sync.WaitGroup
	for _, id := range logNodes(s.cfg.Members()) {
		if id == s.cfg.NodeID {
			continue
		}
		wg.Go(func() {
			if err := s.pull(ctx, id, fresh); err != nil {
				if ctx.Err() == nil {
					s.own.report("log node did not say what it holds", "node", id, "error", err)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			live = append(live, id)
		})
	}
	wg.Wait()
	return live
}

// pull asks one peer what is new.
func (s *Service) pull(ctx context.Context, id string, fresh time.Duration) error {
	v, _ := s.pulls.LoadOrStore(id, new(sync.Mutex))
	one, _ := v.(*sync.Mutex)
	asked := time.Now()
	one.Lock()
	defer one.Unlock()
	instance, gen, at := s.know.known(id)
	if at.After(asked.Add(-fresh)) { // perhaps while this call waited
		return nil
	}
	q := url.Values{"instance": {instance}, "after": {strconv.FormatUint(gen, 10)}}
	var b bulletin
	if err := s.peers.call(ctx, id, http.MethodGet, pathKnowledge+"?"+q.Encode(), "", nil, &b); err != nil {
		return err
	}
	s.know.listen(id, b)
	return nil
}

// The manifests are kept over a restart: the producer that is dead by then will
// not repeat how far it had cut.
type manifestBook struct {
	Version   int        `json:"version"`
	Manifests []manifest `json:"manifests"`
}

func (s *Service) manifestPath() string { return filepath.Join(s.cfg.Dir, "logs", manifestFile) }

func (s *Service) saveManifests() error {
	book := manifestBook{Version: 1}
	book.Manifests, _ = s.know.producers()
	b, err := json.Marshal(book)
	if err != nil {
		return err
	}
	if bytes.Equal(b, s.saved) {
		return nil // a node that has nothing to do lets its disk sleep
	}
	if err := segment.Replace(s.manifestPath(), b); err != nil {
		return err
	}
	s.saved = b
	return nil
}

func (s *Service) loadManifests() error {
	b, err := os.ReadFile(s.manifestPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log store: %w", err)
	}
	var book manifestBook
	if err := decodeVersion1(b, &book, &book.Version); err != nil {
		return fmt.Errorf("log store: %s: %w; producers that live repeat what was in it", s.manifestPath(), err)
	}
	for _, m := range book.Manifests {
		if err := m.check(); err != nil {
			s.own.report("kept manifest cannot be", "error", err)
			continue
		}
		s.know.remember(m)
	}
	return nil
}

// remember takes in a manifest without a sign of life.
func (k *knowledge) remember(m manifest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.learn(m)
}
