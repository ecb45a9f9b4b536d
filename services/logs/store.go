package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

// The store keeps batches as they came, framed, in one directory per day of
// the producer's clock:
//
//	logs/20261122/wal-000001.log
//
// Identity is everything: the same batch twice is stored once, and another one
// under the same name is refused. Where each batch lies is kept in memory and
// found again by walking the files at the start.

const (
	walBytes  = 64 << 20        // a file is finished at this size
	fullPause = 1 * time.Second // before a full disk is tried again
)

type store struct {
	dir      string
	maxBytes int64 // 0: as much as the disk has
	own      *troubles
	gen      *generations

	mu        sync.RWMutex // guards all below
	streams   map[stream]*kept
	days      map[int]*day
	floors    map[stream]uint64  // up to here batches were dropped on purpose
	writing   map[BatchID]uint32 // checksums of batches under way to the disk
	batches   int64
	bytes     int64
	conflicts int64
	fullUntil time.Time
	full      error // why
	closed    bool
}

// kept is what the store has of one stream.
type kept struct {
	inventory inventory
	batches   map[uint64]ref // by seq
}

// ref is where a batch lies.
type ref struct {
	file     *segment.File
	off      int64
	crc      uint32
	min, max int64
}

// day is the files of one day.
type day struct {
	files  []*segment.File
	number int           // of the newest file
	active *segment.File // takes batches; nil: make one
}

func openStore(dir string, maxBytes int64, own *troubles, gen *generations) (*store, segment.Recovery, error) {
	s := &store{
		dir: dir, maxBytes: maxBytes, own: own, gen: gen,
		streams: map[stream]*kept{}, days: map[int]*day{}, floors: map[stream]uint64{}, writing: map[BatchID]uint32{},
	}
	var total segment.Recovery
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = errors.Join(s.load(&total), s.loadDropped())
	}
	if err != nil {
		return nil, total, errors.Join(fmt.Errorf("log store %s: %w", dir, err), s.close())
	}
	return s, total, nil
}

func (s *store) load(total *segment.Recovery) error {
	names, err := filepath.Glob(filepath.Join(s.dir, "[0-9]*", "wal-*.log"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		date, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			continue // not a directory of ours
		}
		d := s.days[date]
		if d == nil {
			d = &day{}
			s.days[date] = d
		}
		if _, err := fmt.Sscanf(filepath.Base(name), "wal-%d.log", &d.number); err != nil {
			continue
		}
		type found struct {
			b   batch
			off int64
		}
		var all []found
		f, rec, err := segment.Open(name, func(off int64, p []byte) error {
			b, err := decodeBatch(p)
			if err != nil {
				total.Damaged += int64(len(p))
				s.own.report("stored batch cannot be read", "file", name, "offset", off, "error", err)
				return nil
			}
			b.Payload = nil // only where it lies is kept
			all = append(all, found{b, off})
			return nil
		})
		if err != nil {
			return err
		}
		d.files, d.active = append(d.files, f), f
		for _, x := range all {
			s.index(x.b, f, x.off)
		}
		s.bytes += f.Size()
		total.Frames += rec.Frames
		total.Torn += rec.Torn
		total.Damaged += rec.Damaged
		if rec.Torn > 0 || rec.Damaged > 0 {
			s.own.report("log file was not whole", "file", name, "tornBytes", rec.Torn, "damagedBytes", rec.Damaged)
		}
	}
	return nil
}

// index notes where a durable batch lies. The first of a name stays. Callers
// hold mu, or are alone.
func (s *store) index(b batch, f *segment.File, off int64) {
	k := s.streams[b.stream()]
	if k == nil {
		k = &kept{batches: map[uint64]ref{}}
		s.streams[b.stream()] = k
	}
	if _, ok := k.batches[b.Seq]; ok {
		return
	}
	k.batches[b.Seq] = ref{file: f, off: off, crc: b.CRC, min: b.Min, max: b.Max}
	k.inventory = k.inventory.add(held{Span: Span{b.Seq, b.Seq}, Min: b.Min, Max: b.Max, Gen: s.gen.next()})
	s.batches++
}

// put stores batches, given with the bytes they came as, and returns when all
// are on the disk. Those whose name is taken by other bytes are named in the
// answer. ErrFull means that none may be relied on.
func (s *store) put(batches []batch, frames [][]byte) ([]refusal, error) {
	var refused []refusal
	byDay := map[int][]int{}
	s.mu.Lock()
	if err := s.open(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	for i, b := range batches {
		crc, known := s.writing[b.BatchID]
		if k := s.streams[b.stream()]; k != nil {
			if r, ok := k.batches[b.Seq]; ok {
				if r.crc == b.CRC {
					continue // stored before: the answer is the same
				}
				crc, known = r.crc, true
			}
		}
		if known && crc != b.CRC {
			s.conflicts++
			refused = append(refused, refusal{b.BatchID, fmt.Sprintf("%v: %08x, not %08x", ErrConflict, crc, b.CRC)})
			s.own.report("batch is known with other bytes", "batch", b.BatchID.String(), "known", crc, "offered", b.CRC)
			continue
		}
		s.writing[b.BatchID] = b.CRC
		byDay[b.Day] = append(byDay[b.Day], i)
	}
	s.mu.Unlock()

	var errs []error
	for date, which := range byDay {
		errs = append(errs, s.write(date, which, batches, frames))
	}
	return refused, errors.Join(errs...)
}

// open returns why nothing is taken now. Callers hold mu.
func (s *store) open() error {
	switch {
	case s.closed:
		return ErrClosed
	case s.maxBytes > 0 && s.bytes >= s.maxBytes:
		return fmt.Errorf("%w: the store holds %d bytes of %d", ErrFull, s.bytes, s.maxBytes)
	case time.Now().Before(s.fullUntil):
		return fmt.Errorf("%w: %w", ErrFull, s.full)
	}
	return nil
}

// write appends the batches of one day.
func (s *store) write(date int, which []int, batches []batch, frames [][]byte) error {
	payloads := make([][]byte, len(which))
	var size int64
	for i, w := range which {
		payloads[i] = frames[w]
		size += int64(len(frames[w])) + segment.FrameOverhead
	}
	f, err := s.active(date)
	var offs []int64
	if err == nil {
		offs, err = f.Append(payloads...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range which {
		delete(s.writing, batches[w].BatchID)
	}
	if err != nil {
		if d := s.days[date]; d != nil && d.active == f {
			d.active = nil // a failed file takes no more
		}
		s.full, s.fullUntil = err, time.Now().Add(fullPause)
		s.own.report("batches could not be written", "day", date, "batches", len(which), "error", err)
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	s.full = nil
	s.bytes += size
	for i, w := range which {
		s.index(batches[w], f, offs[i])
	}
	return nil
}

// active returns the file that takes batches of a day.
func (s *store) active(date int) (*segment.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	d := s.days[date]
	if d != nil && d.active != nil && d.active.Size() < walBytes {
		return d.active, nil
	}
	dir := filepath.Join(s.dir, fmt.Sprintf("%08d", date))
	if d == nil {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if err := segment.SyncDir(s.dir); err != nil {
			return nil, err
		}
		d = &day{}
		s.days[date] = d
	}
	f, _, err := segment.Open(filepath.Join(dir, fmt.Sprintf("wal-%06d.log", d.number+1)), nil)
	if err != nil {
		return nil, err
	}
	d.number++
	d.files, d.active = append(d.files, f), f
	return f, nil
}

// status is how many batches and bytes the store has, and why it takes no
// more, if so.
func (s *store) status() (Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Batches: s.batches, Bytes: s.bytes, Conflicts: s.conflicts}
	if s.full != nil {
		return st, s.full
	}
	return st, s.open()
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, d := range s.days {
		for _, f := range d.files {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
