package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The intake takes lines of JSON from programs that are not ours. 2xx means
// that every line counted as accepted is on this node's disk.

const (
	maxBody   = 64 << 20 // bytes of one request, unpacked
	maxFaults = 20       // named in an answer; all are counted
)

// IngestOptions says how the lines of a request are to be read.
type IngestOptions struct {
	Service  string // of lines that name none; default "ingest"
	Time     string // field with the time; default: the first of time, timestamp, @timestamp, ts
	Msg      string // field with the message; default: the first of msg, message
	Encoding string // of the body: "", "gzip" or "zstd"
}

// IngestAnswer counts what became of the lines of a request.
type IngestAnswer struct {
	Accepted int     `json:"accepted" doc:"Records that are on this node's disk."`
	Rejected int     `json:"rejected" doc:"Lines that were not taken."`
	Faults   []Fault `json:"faults" doc:"The first 20 reasons."`
}

// Fault is why a line was not taken.
type Fault struct {
	Line   int    `json:"line" doc:"Counts from 1."`
	Field  string `json:"field,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

// where names the line and the field for a problem's list.
func (f *Fault) where() string {
	if f.Field == "" {
		return fmt.Sprintf("line %d", f.Line)
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Field)
}

// Ingest reads lines of JSON from body and returns when the accepted ones are on this
// node's disk. ErrFull means that none was taken: there is no room for the
// request as a whole, or for its debug records.
func (a *Agent) Ingest(ctx context.Context, body io.Reader, opt IngestOptions) (IngestAnswer, error) {
	answer := IngestAnswer{Faults: []Fault{}}
	text, err := unpack(body, opt.Encoding)
	if err != nil {
		return answer, err
	}
	in := flattener{opt: opt, node: a.cfg.Node, now: time.Now()}
	noDebug := a.spool.crowded()
	var taken []line
	reject := func(f *Fault) {
		answer.Rejected++
		if f.Value = strings.ToValidUTF8(clip(f.Value, 64), "\ufffd"); len(answer.Faults) < maxFaults {
			answer.Faults = append(answer.Faults, *f)
		}
	}
	number, crowded, size := 0, 0, 0
	for l := range bytes.Lines(text) {
		number++
		if l = bytes.TrimSpace(l); len(l) == 0 {
			continue
		}
		rec, fault := in.read(l)
		switch {
		case fault != nil:
			fault.Line = number
			reject(fault)
		case noDebug && rec.level < slog.LevelInfo:
			crowded++
			reject(&Fault{Line: number, Field: keyLevel, Value: levelName(rec.level), Reason: "the spool is three quarters full: send it again later"})
		default:
			if size += len(rec.text); size > maxBody { // {} becomes a record of some hundred bytes
				return IngestAnswer{}, &ParamError{"body", "", fmt.Sprintf("its records have more than %d bytes: send it in parts", maxBody)}
			}
			taken = append(taken, rec)
		}
	}
	if len(taken) == 0 && crowded > 0 {
		return IngestAnswer{}, fmt.Errorf("%w: the spool is three quarters full and takes no debug records", ErrFull)
	}
	if err := a.spool.write(ctx, taken); err != nil {
		return IngestAnswer{}, err
	}
	answer.Accepted = len(taken)
	return answer, nil
}

// crowded reports whether debug records are refused now.
func (s *spool) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used+s.pending >= s.cfg.maxBytes/4*3
}

// unpack reads the whole body.
func unpack(body io.Reader, encoding string) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, unpackError(err, "Content-Encoding", encoding, "the body is not gzip")
		}
		body = z
	case "zstd":
		z, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, unpackError(err, "Content-Encoding", encoding, "the body is not zstd")
		}
		defer z.Close()
		body = z
	default:
		return nil, &ParamError{"Content-Encoding", encoding, "use gzip, zstd, or none"}
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, unpackError(err, "body", "", "it cannot be read to its end: "+err.Error())
	}
	if len(text) > maxBody {
		return nil, &ParamError{"body", "", fmt.Sprintf("it has more than %d bytes unpacked: send it in parts", maxBody)}
	}
	return text, nil
}

// unpackError keeps the cause for those who know it, such as a body over the
// port's limit.
func unpackError(cause error, field, value, remedy string) error {
	return errors.Join(&ParamError{field, value, remedy}, cause)
}

// flattener turns lines of foreign JSON into lines of ours.
type flattener struct {
	opt  IngestOptions
	node string
	now  time.Time
}

var (
	timeNames  = []string{"time", "timestamp", "@timestamp", "ts"}
	msgNames   = []string{"msg", "message"}
	levelNames = []string{"level", "severity", "lvl"}
)

// read turns one line into a record, or says why it can't be one.
func (fl *flattener) read(text []byte) (line, *Fault) {
	fields, cut, err := flatten(text)
	if err != nil {
		return line{}, &Fault{Value: clip(string(text[:min(len(text), 128)]), 64), Reason: "it must be a JSON object on one line: " + err.Error()}
	}
	rec := line{time: fl.now.UnixNano(), level: slog.LevelInfo}
	at, level, service, msg := fl.now, "info", fl.opt.Service, ""
	if service == "" {
		service = "ingest"
	}
	if i := choose(fields, timeNames, fl.opt.Time); i >= 0 {
		if at, err = parseTime(fields[i]); err != nil {
			return line{}, &Fault{Field: fields[i].Key, Value: fields[i].Text(), Reason: err.Error()}
		}
		rec.time = at.UnixNano()
		fields = slices.Delete(fields, i, i+1)
	}
	if i := choose(fields, levelNames, ""); i >= 0 {
		// A level nobody knows is no reason to lose the record.
		if l, err := ParseLevel(fields[i].Text()); err == nil {
			rec.level, level = l, levelName(l)
			fields = slices.Delete(fields, i, i+1)
		}
	}
	if i := choose(fields, msgNames, fl.opt.Msg); i >= 0 {
		msg = fields[i].Text()
		fields = slices.Delete(fields, i, i+1)
	}
	if i := choose(fields, []string{keyService}, ""); i >= 0 && fields[i].Text() != "" {
		service = fields[i].Text()
		fields = slices.Delete(fields, i, i+1)
	}
	for i := range fields {
		if builtin(fields[i].Key) {
			fields[i].Key = ownPath + fields[i].Key
		}
	}
	if cut > 0 {
		fields = append(fields, Field{"cut.fields", fmt.Append(nil, cut)})
	}
	rec.text = append(appendFields(appendHead(make([]byte, 0, len(text)+128), at, level, service, fl.node, msg), fields), '}')
	if len(rec.text) > maxLine {
		rec.text = shorten(rec.text)
	}
	return rec, nil
}

// choose returns the place of the field that plays a part: the one the caller
// named, or the first of the usual names. -1: none.
func choose(fields []Field, usual []string, named string) int {
	if named != "" {
		usual = []string{named}
	}
	for _, name := range usual {
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.Key == name }); i >= 0 {
			return i
		}
	}
	return -1
}
