package segment_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

var update = flag.Bool("update", false, "write the golden files anew")

// open opens path and returns the file and the payloads found in it.
func open(t testing.TB, path string) (*segment.File, segment.Recovery, []string) {
	t.Helper()
	var got []string
	f, rec, err := segment.Open(path, func(_ int64, p []byte) error {
		got = append(got, string(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, rec, got
}

func append1(t testing.TB, f *segment.File, payload string) int64 {
	t.Helper()
	offs, err := f.Append([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return offs[0]
}

func TestAppendedFramesComeBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	f, _, _ := open(t, path)
	var mu sync.Mutex
	want := map[int64]string{}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			p := fmt.Sprintf("frame %d", i)
			offs, err := f.Append([]byte(p), []byte(p+"b"))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			want[offs[0]], want[offs[1]] = p, p+"b"
			mu.Unlock()
		})
	}
	wg.Wait()
	for off, p := range want {
		if got, err := f.ReadAt(off, nil); err != nil || string(got) != p {
			t.Fatalf("ReadAt(%d) = %q, %v, want %q", off, got, err, p)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append([]byte("late")); !errors.Is(err, segment.ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	if _, rec, got := open(t, path); len(got) != 100 || rec != (segment.Recovery{Frames: 100}) {
		t.Fatalf("found %d frames, %+v", len(got), rec)
	}
}

// TestTornTailAtEveryByte cuts the file at each byte of its last frame, as a
// crash during the write would, and appends again afterwards.
func TestTornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, _, _ := open(t, filepath.Join(dir, "whole"))
	append1(t, f, "first")
	last := append1(t, f, "the last frame of the file")
	whole, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	for cut := last; cut < int64(len(whole)); cut++ {
		path := filepath.Join(dir, fmt.Sprint(cut))
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		f, rec, got := open(t, path)
		if fmt.Sprint(got) != "[first]" || rec.Torn != cut-last || rec.Damaged != 0 {
			t.Fatalf("cut at %d: %q, %+v", cut, got, rec)
		}
		append1(t, f, "after")
		f.Close()
		if _, rec, got := open(t, path); fmt.Sprint(got) != "[first after]" || rec.Torn != 0 {
			t.Fatalf("cut at %d, then appended: %q, %+v", cut, got, rec)
		}
	}
}

func TestFileThatDiedWhileMade(t *testing.T) {
	t.Parallel()
	for n := range 16 {
		path := filepath.Join(t.TempDir(), "a.log")
		if err := os.WriteFile(path, []byte("rollcall\x01\x00\x00\x00\xff\xff\xff")[:min(n, 15)], 0o600); err != nil {
			t.Fatal(err)
		}
		f, rec, _ := open(t, path)
		append1(t, f, "x")
		f.Close()
		if _, _, got := open(t, path); len(got) != 1 || rec.Frames != 0 {
			t.Fatalf("%d bytes of header: %q", n, got)
		}
	}
}

// TestDamageInTheMiddle flips each byte of the middle frame: the frames around
// it stay, and nothing that was acknowledged after it is cut off.
func TestDamageInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, _, _ := open(t, filepath.Join(dir, "whole"))
	append1(t, f, "one")
	from := append1(t, f, "two, which gets hurt")
	to := append1(t, f, "three")
	whole, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	for at := from; at < to; at++ {
		hurt := bytes.Clone(whole)
		hurt[at] ^= 0x5a
		path := filepath.Join(dir, fmt.Sprint(at))
		if err := os.WriteFile(path, hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		f, rec, got := open(t, path)
		f.Close()
		if fmt.Sprint(got) != "[one three]" || rec.Damaged != to-from || rec.Torn != 0 {
			t.Fatalf("byte %d hurt: %q, %+v", at, got, rec)
		}
	}
}

func TestZeroTailIsNoData(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	f, _, _ := open(t, path)
	append1(t, f, "one")
	size := f.Size()
	f.Close()
	if err := os.Truncate(path, size+4096); err != nil {
		t.Fatal(err)
	}
	if _, rec, got := open(t, path); len(got) != 1 || rec.Torn != 4096 {
		t.Fatalf("%q, %+v", got, rec)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.log")
	h := append([]byte("rollcall"), 99, 0, 0, 0)
	c := segment.Checksum(h)
	h = append(h, byte(c), byte(c>>8), byte(c>>16), byte(c>>24))
	if err := os.WriteFile(path, h, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := segment.Open(path, nil); !errors.Is(err, segment.ErrVersion) {
		t.Fatalf("got %v", err)
	}
}

func TestPayloadBounds(t *testing.T) {
	t.Parallel()
	f, _, _ := open(t, filepath.Join(t.TempDir(), "a.log"))
	for _, p := range [][]byte{nil, make([]byte, segment.MaxPayload+1)} {
		if _, err := f.Append([]byte("ours"), p); !errors.Is(err, segment.ErrTooLarge) {
			t.Fatalf("payload of %d bytes: %v", len(p), err)
		}
	}
	if off := append1(t, f, "next"); off != 16 {
		t.Fatalf("a refused append left bytes behind: next frame is at %d", off)
	}
}

// TestGolden reads a file that version 1 wrote. It must stay readable.
func TestGolden(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1.log")
	path := filepath.Join(t.TempDir(), "v1.log")
	f, _, _ := open(t, path)
	append1(t, f, "the first frame")
	append1(t, f, string(bytes.Repeat([]byte{0}, 9)))
	append1(t, f, "grüße")
	f.Close()
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, made, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, rec, err := segment.Scan(bytes.NewReader(kept), int64(len(kept)), func(_ int64, p []byte) error {
		got = append(got, string(p))
		return nil
	})
	if err != nil || rec != (segment.Recovery{Frames: 3}) || got[2] != "grüße" {
		t.Fatalf("golden file: %q, %+v, %v", got, rec, err)
	}
	if !bytes.Equal(made, kept) {
		t.Fatalf("version 1 writes other bytes than it did:\n%x\n%x", made, kept)
	}
}

func FuzzScan(f *testing.F) {
	kept, err := os.ReadFile(filepath.Join("testdata", "v1.log"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Add(kept[:len(kept)-3])
	f.Add([]byte("rollcall"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var sum int64
		end, rec, err := segment.Scan(bytes.NewReader(b), int64(len(b)), func(off int64, p []byte) error {
			if !bytes.Equal(b[off+segment.FrameOverhead:][:len(p)], p) {
				t.Fatalf("payload at %d is not the bytes there", off)
			}
			sum += int64(len(p)) + segment.FrameOverhead
			return nil
		})
		if err != nil {
			return
		}
		if end > 0 { // not shorter than a header
			sum += 16
		}
		if rec.Damaged < 16 && sum+rec.Damaged+rec.Torn != int64(len(b)) {
			t.Fatalf("%d good + %d damaged + %d torn bytes are not %d", sum, rec.Damaged, rec.Torn, len(b))
		}
	})
}

// BenchmarkAppend measures durable appends of one 4 KiB frame: alone, and with
// many callers that share syncs.
func BenchmarkAppend(b *testing.B) {
	payload := bytes.Repeat([]byte("log line "), 455)
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			f, _, _ := open(b, filepath.Join(b.TempDir(), "a.log"))
			b.SetBytes(int64(len(payload)))
			b.SetParallelism(callers)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := f.Append(payload); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
