// Package segment is the file format under the spool and the log store: an
// append-only file of checksummed frames, and nothing else. It knows no
// records, no batches and no network.
//
// # The file
//
//	header   magic "rollcall" | version u16 | reserved u16 | crc32c u32 of the 12 bytes before
//	frame    length u32 | crc32c u32 of length and payload | payload
//	frame    …
//
// All integers are little endian. The checksum covers the length too, and a
// length of zero is no frame: a tail of zeros, which file systems like to leave
// after a power cut, can therefore never pass for data.
//
// # The path of one append
//
// A caller hands its payloads to Append. While one group is being written and
// synced, all who come meanwhile gather in the next group; then one write and
// one fdatasync serve them all (group commit: DeWitt and others 1984). Append
// returns when the caller's frames are on the disk, so the answer "accepted"
// can be believed after a power cut.
//
// # After a crash
//
// Open walks the frames. What does not end in a whole frame is a torn tail: it
// was never acknowledged, so it is cut off and counted. A bad frame with a good
// one after it is damage (a bad sector, a stray write): it is stepped over and
// counted, and the good frames around it stay readable. Neither is fatal.
package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	// Version is the file format that this code writes; it reads all up to it.
	Version = 1
	// MaxPayload bounds one frame, in bytes. It also bounds what a damaged
	// length field can make a reader believe.
	MaxPayload = 4 << 20

	headerSize   = 16
	frameHeader  = 8
	magic        = "rollcall"
	headerCRCPos = headerSize - 4
)

// FrameOverhead is how many bytes a frame adds to its payload.
const FrameOverhead = frameHeader

var (
	// ErrTorn means that the bytes end before the frame does.
	ErrTorn = errors.New("frame is cut off")
	// ErrDamaged means that a frame's length or checksum is wrong.
	ErrDamaged = errors.New("frame is damaged")
	// ErrVersion means that a newer version of the program wrote the file.
	ErrVersion = errors.New("file format is newer than this program")
	// ErrTooLarge means that a payload is empty or larger than MaxPayload.
	ErrTooLarge = errors.New("payload must have 1 byte to 4 MiB")
)

// castagnoli is the polynomial of crc32c, which CPUs compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the crc32c of p.
func Checksum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// AppendFrame appends payload to dst as one frame. The same frames travel
// between nodes, so the wire needs no format of its own.
func AppendFrame(dst, payload []byte) ([]byte, error) {
	if len(payload) == 0 || len(payload) > MaxPayload {
		return dst, fmt.Errorf("%w: it has %d", ErrTooLarge, len(payload))
	}
	var h [frameHeader]byte
	binary.LittleEndian.PutUint32(h[:4], uint32(len(payload)))
	binary.LittleEndian.PutUint32(h[4:], frameSum(h[:4], payload))
	return append(append(dst, h[:]...), payload...), nil
}

// NextFrame splits the first frame off b. The payload is a part of b, not a
// copy. It returns ErrTorn when b ends too early and ErrDamaged when the length
// or the checksum cannot be.
func NextFrame(b []byte) (payload, rest []byte, err error) {
	if len(b) < frameHeader {
		return nil, b, ErrTorn
	}
	n := binary.LittleEndian.Uint32(b)
	if n == 0 || n > MaxPayload {
		return nil, b, fmt.Errorf("%w: length %d", ErrDamaged, n)
	}
	if uint64(len(b)) < frameHeader+uint64(n) {
		return nil, b, ErrTorn
	}
	end := frameHeader + int(n)
	payload = b[frameHeader:end:end]
	if frameSum(b[:4], payload) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, b, fmt.Errorf("%w: checksum of %d bytes", ErrDamaged, n)
	}
	return payload, b[end:], nil
}

func frameSum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, payload)
}

func header() []byte {
	h := make([]byte, headerSize)
	copy(h, magic)
	binary.LittleEndian.PutUint16(h[len(magic):], Version)
	binary.LittleEndian.PutUint32(h[headerCRCPos:], Checksum(h[:headerCRCPos]))
	return h
}

// checkHeader returns ErrVersion for a file of the future and ErrDamaged for
// one whose first bytes are not a header.
func checkHeader(h []byte) error {
	if len(h) < headerSize || string(h[:len(magic)]) != magic || Checksum(h[:headerCRCPos]) != binary.LittleEndian.Uint32(h[headerCRCPos:]) {
		return fmt.Errorf("header: %w", ErrDamaged)
	}
	if v := binary.LittleEndian.Uint16(h[len(magic):]); v > Version {
		return fmt.Errorf("%w: it has version %d, this program reads up to %d; run the newer one", ErrVersion, v, Version)
	}
	return nil
}
