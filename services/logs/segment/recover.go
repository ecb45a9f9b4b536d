package segment

import (
	"errors"
	"io"
)

// Recovery says what a walk over a file found.
type Recovery struct {
	Frames  int   // good frames
	Torn    int64 // bytes of a half-written end, cut off by Open
	Damaged int64 // bytes in the middle that are no good frames, stepped over
}

// resync bounds, in bytes, how far behind a bad frame a good one is looked for.
// A single damaged frame ends before this, so a file loses no more than it.
const resync = MaxPayload + 2*frameHeader

// Visit is told of each good frame: where it starts and what it holds. The
// payload is only valid during the call. An error ends the walk.
type Visit func(off int64, payload []byte) error

// Scan walks the frames of a file of the given size, calls visit for each good
// one and returns the offset at which the good part ends. It fails with
// ErrVersion, with a read error, or with what visit returns; bad bytes are
// counted, not failed on.
func Scan(r io.ReaderAt, size int64, visit Visit) (end int64, rec Recovery, err error) {
	if size < headerSize { // died while it was made: nothing was acknowledged in it
		return 0, Recovery{Torn: size}, nil
	}
	w := window{r: r, size: size}
	h, err := w.at(0, headerSize)
	if err != nil {
		return 0, rec, err
	}
	if err := checkHeader(h); errors.Is(err, ErrVersion) {
		return 0, rec, err
	} else if err != nil {
		rec.Damaged += headerSize
	}
	end = headerSize
	for off := end; off < size; {
		payload, err := w.frame(off)
		if err == nil {
			rec.Damaged += off - end // what was stepped over to get here
			if err := visit(off, payload); err != nil {
				return end, rec, err
			}
			rec.Frames++
			off += frameHeader + int64(len(payload))
			end = off
			continue
		}
		if !errors.Is(err, ErrTorn) && !errors.Is(err, ErrDamaged) {
			return end, rec, err
		}
		if off++; off-end > resync {
			break
		}
	}
	rec.Torn = size - end
	return end, rec, nil
}

// window reads a file forward through one buffer that grows to the largest
// frame met.
type window struct {
	r    io.ReaderAt
	size int64
	off  int64 // where buf starts
	buf  []byte
}

const readAhead = 256 << 10

// at returns the n bytes at off.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		want := min(int64(max(n, readAhead)), w.size-off)
		if want < int64(n) {
			return nil, ErrTorn
		}
		if int64(cap(w.buf)) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.off = w.buf[:want], off
		if _, err := w.r.ReadAt(w.buf, off); err != nil && !errors.Is(err, io.EOF) {
			w.buf = w.buf[:0]
			return nil, err
		}
	}
	i := int(off - w.off)
	return w.buf[i : i+n : i+n], nil
}

// frame returns the payload of the frame at off.
func (w *window) frame(off int64) ([]byte, error) {
	h, err := w.at(off, frameHeader)
	if err != nil {
		return nil, err
	}
	if _, _, err := NextFrame(h); errors.Is(err, ErrDamaged) {
		return nil, err // the length alone is impossible
	}
	n := int(uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16 | uint32(h[3])<<24)
	b, err := w.at(off, frameHeader+n)
	if err != nil {
		return nil, err
	}
	payload, _, err := NextFrame(b)
	return payload, err
}
