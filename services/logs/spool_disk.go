package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// What the spool keeps on the disk, beside its segment files:
//
//	spool/state.json              the epoch counter and both cursors of each epoch
//	spool/0000000003-….log        batches of epoch 3, from the counter in the name on
//
// The cursors may be behind the truth: then batches are sent again, which does
// no harm. The epoch counter may not, since a name must never be used twice;
// so it is synced before the first batch of the epoch.

const (
	stateFile    = "state.json"
	stateVersion = 1
	keepEpochs   = 32 // finished epochs that are still told of
)

type spoolState struct {
	Version  int           `json:"version"`
	Producer string        `json:"producer"`
	Epochs   []*epochState `json:"epochs"`
}

// epochState is what a producer knows of one of its epochs.
type epochState struct {
	Epoch    uint64   `json:"epoch"`
	Cut      uint64   `json:"cut"`            // highest batch cut
	Stored   uint64   `json:"stored"`         // all up to it have one copy
	Released uint64   `json:"released"`       // all up to it have R copies
	Lost     spans    `json:"lost,omitempty"` // damaged on the producer's disk
	Placed   []Placed `json:"placed,omitempty"`
	Closed   bool     `json:"closed,omitempty"` // no more batches will be cut
}

// Placed says which log nodes acknowledged a span of batches.
type Placed struct {
	Span
	Holders []string `json:"holders"`
}

const keepPlaced = 32

// place notes who holds a batch that is let go of.
func (e *epochState) place(seq uint64, holders []string) {
	holders = slices.Sorted(slices.Values(holders))
	if n := len(e.Placed); n > 0 && e.Placed[n-1].To+1 == seq && slices.Equal(e.Placed[n-1].Holders, holders) {
		e.Placed[n-1].To = seq
		return
	}
	if len(e.Placed) == keepPlaced {
		e.Placed = slices.Clone(e.Placed[1:])
	}
	e.Placed = append(e.Placed, Placed{Span{seq, seq}, holders})
}

// openSpool recovers what a former life left and begins a new epoch.
func openSpool(cfg spoolConfig) (*spool, error) {
	s := &spool{
		cfg: cfg, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), news: make(chan struct{}, 1),
		moved: make(chan struct{}),
	}
	if err := os.MkdirAll(cfg.dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	err := s.load()
	if err == nil {
		_, err = s.beginEpoch()
	}
	if err != nil {
		for _, f := range s.files {
			err = errors.Join(err, f.Close())
		}
		return nil, fmt.Errorf("spool %s: %w", cfg.dir, err)
	}
	return s, nil
}

func (s *spool) load() error {
	st := spoolState{Version: stateVersion, Producer: s.cfg.producer}
	switch b, err := os.ReadFile(filepath.Join(s.cfg.dir, stateFile)); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(b, &st); err != nil {
			return fmt.Errorf("%s is damaged (%w); move it away with the files beside it, to a place where they can be looked into", stateFile, err)
		}
		if st.Version > stateVersion {
			return fmt.Errorf("%s has version %d, this program reads %d; run the newer one", stateFile, st.Version, stateVersion)
		}
		if st.Producer != s.cfg.producer {
			return fmt.Errorf("it belongs to node %s, this one is %s; give the node its id back, or move the folder away", st.Producer, s.cfg.producer)
		}
	}
	s.epochs = slices.DeleteFunc(st.Epochs, func(e *epochState) bool { return e == nil })
	names, err := filepath.Glob(filepath.Join(s.cfg.dir, "*-*.log"))
	if err != nil {
		return err
	}
	slices.Sort(names) // numbers of fixed width: the order of the cuts
	found := map[uint64]uint64{}
	for _, e := range s.epochs {
		found[e.Epoch] = e.Released
	}
	for _, name := range names {
		if err := s.loadFile(name, found); err != nil {
			return err
		}
	}
	for _, e := range s.epochs {
		e.missed(found[e.Epoch], e.Cut+1) // a tail that was synced once and is gone
		e.Closed = true
	}
	s.advance()
	return nil
}

// missed notes the batches between two counters as lost.
func (e *epochState) missed(after, before uint64) {
	if after+1 < before {
		e.Lost = e.Lost.union(spans{{after + 1, before - 1}})
	}
}

// loadFile takes up the batches of one file that are not released. found is the
// last batch of each epoch met so far: counters have no holes, so a hole is a
// loss.
func (s *spool) loadFile(name string, found map[uint64]uint64) error {
	f := &spoolFile{}
	file, rec, err := segment.Open(name, func(off int64, p []byte) error {
		b, err := decodeBatch(p)
		if err != nil {
			s.count.Damaged += int64(len(p))
			s.cfg.own.report("spooled batch cannot be read", "file", filepath.Base(name), "offset", off, "error", err)
			return nil
		}
		ep := s.epoch(b.Epoch)
		if ep == nil {
			ep = &epochState{Epoch: b.Epoch}
			s.epochs = append(s.epochs, ep)
		}
		ep.Cut = max(ep.Cut, b.Seq)
		if b.Seq <= found[b.Epoch] {
			return nil // released, or twice in the file
		}
		ep.missed(found[b.Epoch], b.Seq)
		found[b.Epoch] = b.Seq
		e := &entry{id: b.BatchID, file: f, off: off, size: int64(len(p)) + segment.FrameOverhead, stored: b.Seq <= ep.Stored}
		f.live++
		s.used += e.size
		s.open = append(s.open, e)
		return nil
	})
	if err != nil {
		return err
	}
	f.File = file
	s.files = append(s.files, f)
	s.count.Torn += rec.Torn
	s.count.Damaged += rec.Damaged
	if rec.Torn > 0 || rec.Damaged > 0 {
		s.cfg.own.report("spool file was not whole", "file", filepath.Base(name), "tornBytes", rec.Torn, "damagedBytes", rec.Damaged)
	}
	return nil
}

// epoch returns the state of an epoch, nil when it is unknown. Callers hold mu.
func (s *spool) epoch(n uint64) *epochState {
	for _, e := range slices.Backward(s.epochs) {
		if e.Epoch == n {
			return e
		}
	}
	return nil
}

// beginEpoch closes the epoch before and makes the next one durable.
func (s *spool) beginEpoch() (*epochState, error) {
	s.mu.Lock()
	n := uint64(0)
	for _, e := range s.epochs {
		n = max(n, e.Epoch)
		e.Cut = max(e.Cut, e.Released)
	}
	ep := &epochState{Epoch: n + 1}
	st := s.state()
	s.mu.Unlock()
	st.Epochs = append(st.Epochs, ep)
	if err := s.save(st); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.epochs {
		e.Closed = true
	}
	// Finished epochs are told of for a while, since a log node may have been
	// away when the last word on them was sent.
	for i := 0; i < len(s.epochs) && len(s.epochs) >= keepEpochs; {
		if e := s.epochs[i]; e.Released == e.Cut && len(e.Lost) == 0 {
			s.epochs = slices.Delete(s.epochs, i, i+1)
		} else {
			i++
		}
	}
	s.epochs = append(s.epochs, ep)
	s.broken, s.file = false, nil
	return ep, nil
}

func (s *spool) newFile(epoch, seq uint64) (*spoolFile, error) {
	f, _, err := segment.Open(filepath.Join(s.cfg.dir, fmt.Sprintf("%010d-%016d.log", epoch, seq)), nil)
	if err != nil {
		return nil, err
	}
	sf := &spoolFile{File: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file = sf
	s.files = append(s.files, sf)
	return sf, nil
}

// state is the durable state now, copied. Callers hold mu.
func (s *spool) state() spoolState {
	st := spoolState{Version: stateVersion, Producer: s.cfg.producer}
	for _, e := range s.epochs {
		c := *e
		c.Placed = slices.Clone(e.Placed)
		st.Epochs = append(st.Epochs, &c)
	}
	return st
}

func (s *spool) save(st spoolState) error {
	b, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return segment.Replace(filepath.Join(s.cfg.dir, stateFile), b)
}

// tidy writes the cursors down when they moved, and only then deletes the
// files that they have passed.
func (s *spool) tidy() error {
	s.mu.Lock()
	if !s.dirty {
		s.mu.Unlock()
		return nil
	}
	s.dirty = false
	st := s.state()
	n := 0 // only from the front: a hole in the counters would look like a loss
	for n < len(s.files) && s.files[n].live == 0 && s.files[n] != s.file {
		n++
	}
	done := slices.Clone(s.files[:n])
	s.mu.Unlock()
	if err := s.save(st); err != nil {
		s.mu.Lock()
		s.dirty = true
		s.mu.Unlock()
		return fmt.Errorf("spool: cursors: %w", err)
	}
	s.mu.Lock()
	s.files = slices.Delete(s.files, 0, n)
	s.mu.Unlock()
	var errs []error
	for _, f := range done {
		errs = append(errs, f.Remove())
	}
	return errors.Join(errs...)
}

// manifest is what this producer tells log nodes of itself. last says that it
// will cut no more.
func (s *spool) manifest(last bool) manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state()
	st.Epochs[len(st.Epochs)-1].Closed = last
	return manifest{Producer: s.cfg.producer, Epochs: st.Epochs}
}
