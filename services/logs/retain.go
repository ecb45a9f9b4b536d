package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// Retention drops whole days, the oldest first: those older than Config.Days,
// and as many as it takes to get below Config.MaxBytes. It never drops the day
// being written. What was dropped is remembered as a floor per stream, and told
// to peers, so that no query takes it for missing.

const droppedFile = "dropped.json"

// floor says that batches up to UpTo were dropped on purpose.
type floor struct {
	stream
	UpTo uint64 `json:"upTo"`
}

type droppedBook struct {
	Version int     `json:"version"`
	Floors  []floor `json:"floors"`
}

// date is a day as directories are named: 20261122.
func date(t time.Time) int {
	y, m, d := t.UTC().Date()
	return y*10000 + int(m)*100 + d
}

// expired lists the days to drop now. It is pure: what each day has in bytes
// comes in.
func expired(sizes map[int]int64, now time.Time, days int, maxBytes int64) []int {
	var total int64
	for _, n := range sizes {
		total += n
	}
	var out []int
	for _, d := range slices.Sorted(maps.Keys(sizes)) {
		old := days > 0 && d < date(now.AddDate(0, 0, -days))
		over := maxBytes > 0 && total > maxBytes
		if d >= date(now) || !old && !over {
			break
		}
		out = append(out, d)
		total -= sizes[d]
	}
	return out
}

// retain drops what need not be kept, and reports whether it dropped anything.
func (s *store) retain(now time.Time, days int) (bool, error) {
	s.mu.RLock()
	sizes := map[int]int64{}
	for d, files := range s.days {
		for _, f := range files.files {
			sizes[d] += f.Size()
		}
	}
	s.mu.RUnlock()
	gone := expired(sizes, now, days, s.maxBytes)
	var errs []error
	for _, d := range gone {
		if err := s.drop(d); err != nil {
			errs = append(errs, fmt.Errorf("log store: drop day %d: %w", d, err))
		}
	}
	return len(gone) > 0, errors.Join(errs...)
}

// drop forgets a day's batches, writes down that they were dropped, and
// deletes their files.
func (s *store) drop(date int) error {
	s.mu.Lock()
	d := s.days[date]
	if d == nil || s.closed {
		s.mu.Unlock()
		return nil
	}
	delete(s.days, date)
	for st, k := range s.streams {
		for seq, r := range k.batches {
			if slices.Contains(d.files, r.file) {
				delete(k.batches, seq)
				s.batches--
				s.floors[st] = max(s.floors[st], seq)
			}
		}
		k.rebuild(s.gen)
		if len(k.batches) == 0 {
			delete(s.streams, st)
		}
	}
	for _, f := range d.files {
		s.bytes -= f.Size()
	}
	book := droppedBook{Version: 1, Floors: s.dropped()}
	s.mu.Unlock()

	b, err := json.Marshal(book)
	if err == nil {
		err = segment.Replace(filepath.Join(s.dir, droppedFile), b)
	}
	errs := []error{err}
	for _, f := range d.files {
		if err == nil {
			errs = append(errs, f.Remove())
		} else {
			errs = append(errs, f.Close()) // found again at the next start, and dropped then
		}
	}
	if err == nil {
		errs = append(errs, os.Remove(filepath.Join(s.dir, fmt.Sprintf("%08d", date))), segment.SyncDir(s.dir))
	}
	return errors.Join(errs...)
}

// rebuild makes the inventory anew from the batches.
func (k *kept) rebuild(gen *generations) {
	k.inventory = nil
	for _, seq := range slices.Sorted(maps.Keys(k.batches)) {
		r := k.batches[seq]
		k.inventory = k.inventory.add(held{Span: Span{seq, seq}, Min: r.min, Max: r.max, Gen: gen.next()})
	}
}

// dropped lists the floors. Callers hold mu.
func (s *store) dropped() []floor {
	var out []floor
	for _, st := range slices.SortedFunc(maps.Keys(s.floors), compareStreams) {
		out = append(out, floor{st, s.floors[st]})
	}
	return out
}

func (s *store) loadDropped() error {
	path := filepath.Join(s.dir, droppedFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var book droppedBook
	if err := decodeVersion1(b, &book, &book.Version); err != nil {
		return fmt.Errorf("%s: %w; without the file, dropped days are named as missing", path, err)
	}
	for _, f := range book.Floors {
		s.floors[f.stream] = f.UpTo
	}
	return nil
}

// decodeVersion1 reads a small JSON file, whose version is a part of out.
func decodeVersion1(b []byte, out any, version *int) error {
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("it is damaged (%w); move it away", err)
	}
	if *version != 1 {
		return fmt.Errorf("it has version %d, this program reads 1; run the program that wrote it", *version)
	}
	return nil
}
