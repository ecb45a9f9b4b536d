package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

const (
	// maxRaw bounds the lines of one batch before compression, in bytes. A
	// batch is cut when the next line would pass batchBytes; one line of
	// maxLine always fits.
	batchBytes = 1 << 20
	batchLines = 4096
	maxRaw     = batchBytes + maxLine
	// maxLine is the longest line that is kept whole, in bytes.
	maxLine = 1 << 20

	batchVersion = 1
	maxProducer  = 255
)

// BatchID names a batch in the whole cluster and for ever.
type BatchID struct {
	Producer string `json:"producer"` // id of the node that cut it
	Epoch    uint64 `json:"epoch"`    // how often that node's spool had been opened
	Seq      uint64 `json:"seq"`      // counts from 1 in each epoch
}

func (id BatchID) String() string { return fmt.Sprintf("%s/%d/%d", id.Producer, id.Epoch, id.Seq) }

// batch is a bundle of lines as it was cut. The bytes never change afterwards.
//
//	version u8 | producer len u8, bytes | epoch, seq, day, count, raw length uvarint |
//	earliest, latest varint | crc32c u32 | payload: the lines, each ended by \n, zstd
type batch struct {
	BatchID
	Day      int   // yyyymmdd of the producer's clock at the cut, UTC
	Count    int   // lines
	Min, Max int64 // earliest and latest time of a record, ns since 1970
	Raw      int   // bytes of all lines
	CRC      uint32
	Payload  []byte
}

var errBatch = errors.New("batch cannot be read")

// cut makes a batch of lines.
func cut(id BatchID, now time.Time, d draft) batch {
	payload := encoder().EncodeAll(d.lines, make([]byte, 0, len(d.lines)/3))
	return batch{
		BatchID: id, Day: date(now), Count: d.count, Min: d.min, Max: d.max,
		Raw: len(d.lines), CRC: segment.Checksum(payload), Payload: payload,
	}
}

func (b batch) encode() []byte {
	out := make([]byte, 0, len(b.Payload)+len(b.Producer)+64)
	out = append(out, batchVersion, byte(len(b.Producer)))
	out = append(out, b.Producer...)
	for _, v := range []uint64{b.Epoch, b.Seq, uint64(b.Day), uint64(b.Count), uint64(b.Raw)} {
		out = binary.AppendUvarint(out, v)
	}
	out = binary.AppendVarint(out, b.Min)
	out = binary.AppendVarint(out, b.Max)
	out = binary.LittleEndian.AppendUint32(out, b.CRC)
	return append(out, b.Payload...)
}

// decodeBatch reads what encode wrote. The payload stays a part of p.
func decodeBatch(p []byte) (batch, error) {
	var b batch
	if len(p) < 2 {
		return b, fmt.Errorf("%w: %d bytes", errBatch, len(p))
	}
	if p[0] != batchVersion {
		return b, fmt.Errorf("%w: version %d, this program reads %d", errBatch, p[0], batchVersion)
	}
	n := int(p[1])
	if p = p[2:]; n == 0 || len(p) < n {
		return b, fmt.Errorf("%w: producer", errBatch)
	}
	b.Producer, p = string(p[:n]), p[n:]
	var v [5]uint64
	for i := range v {
		var w int
		if v[i], w = binary.Uvarint(p); w <= 0 {
			return b, fmt.Errorf("%w: header", errBatch)
		}
		p = p[w:]
	}
	for _, t := range []*int64{&b.Min, &b.Max} {
		var w int
		if *t, w = binary.Varint(p); w <= 0 {
			return b, fmt.Errorf("%w: times", errBatch)
		}
		p = p[w:]
	}
	if len(p) < 4 {
		return b, fmt.Errorf("%w: checksum", errBatch)
	}
	b.Epoch, b.Seq, b.CRC, b.Payload = v[0], v[1], binary.LittleEndian.Uint32(p), p[4:]
	if b.Seq == 0 || v[2] < 19700101 || v[2] > 99991231 || v[3] == 0 || v[3] > maxRaw || v[4] == 0 || v[4] > maxRaw || b.Min > b.Max {
		return b, fmt.Errorf("%w: seq %d, day %d, %d lines of %d bytes", errBatch, b.Seq, v[2], v[3], v[4])
	}
	b.Day, b.Count, b.Raw = int(v[2]), int(v[3]), int(v[4])
	if segment.Checksum(b.Payload) != b.CRC {
		return b, fmt.Errorf("%w: %s: checksum of the payload", errBatch, b.BatchID)
	}
	return b, nil
}

// lines unpacks the payload into buf.
func (b batch) lines(buf []byte) ([]byte, error) {
	out, err := decoder().DecodeAll(b.Payload, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errBatch, b.BatchID, err)
	}
	if len(out) != b.Raw {
		return nil, fmt.Errorf("%w: %s: %d bytes, want %d", errBatch, b.BatchID, len(out), b.Raw)
	}
	return out, nil
}

// encoder and decoder are shared: both may be used by many at once, and each
// costs megabytes. All-literal entropy coding is what makes SpeedFastest small
// on log lines.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // the options are constants: a test would see it
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxRaw), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err)
	}
	return d
})
