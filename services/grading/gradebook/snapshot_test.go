package gradebook_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

var update = flag.Bool("update", false, "write golden files anew")

func reread(t testing.TB, b *Book) *Book {
	t.Helper()
	again, err := Read(bytes.NewReader(snapshot(t, b.Freeze())))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// everything is the school of the golden snapshot: each kind of change once,
// and a refused score.
func everything(t testing.TB) *school {
	s := small(t)
	for _, c := range samples() {
		s.must(c)
	}
	if _, err := s.try(SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: points("3"), Base: at(0)}); !errors.Is(err, ErrConflict) {
		t.Fatal(err)
	}
	return s
}

// TestOldSnapshotsAreRead reads the files that earlier versions wrote. Version
// 1's must stay as it is for ever; -update is for a new version's file.
func TestOldSnapshotsAreRead(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "gradebook-v1.snapshot")
	s := everything(t)
	if *update {
		if err := os.WriteFile(golden, snapshot(t, s.Freeze()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	score, err := b.Score("c1", "a1", "s1")
	if err != nil || score.Points.String() != "8.25" || score.Comment != "line one\nline two" || score.ByName != "Tom Teacher" {
		t.Errorf("got %+v, %v", score, err)
	}
	if a, ok := b.AccountByName("ada"); !ok || a.Hash != "$argon2id$x" {
		t.Errorf("got %+v", a)
	}
	if !bytes.Equal(data, snapshot(t, b.Freeze())) {
		t.Error("reading and writing it again changed it")
	}
	if b.Hash() != s.Hash() {
		t.Error("the same changes make another book than they did when the file was written")
	}
}

func TestADamagedSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	whole := snapshot(t, everything(t).Freeze())
	for cut := 0; cut < len(whole); cut += 13 {
		if _, err := Read(bytes.NewReader(whole[:cut])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
		}
	}
	end := bytes.LastIndex(whole, []byte("end "))
	for i := 0; i < end; i += 17 {
		bent := bytes.Clone(whole)
		bent[i] ^= 4
		if _, err := Read(bytes.NewReader(bent)); err == nil {
			t.Fatalf("byte %d (%q) is %q now, and nobody noticed", i, whole[i], bent[i])
		}
	}
	lines := strings.SplitAfter(string(whole), "\n")
	lines[5], lines[6] = lines[6], lines[5]
	if _, err := Read(strings.NewReader(strings.Join(lines, ""))); !errors.Is(err, ErrDamaged) {
		t.Errorf("two lines changed places: %v", err)
	}
	_, err := Read(strings.NewReader("rollcall-gradebook 2\n"))
	if err == nil || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("a newer version: %v", err)
	}
}

// TestWhateverWasTakenCanBeReadBack feeds a book what once made snapshots that
// could not be written or read: a time whose year has five digits in UTC, and
// a refused cell of a student who was new in the refused import.
func TestWhateverWasTakenCanBeReadBack(t *testing.T) {
	t.Parallel()
	s := small(t)
	late := time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("west", -5*3600))
	for _, c := range []Change{
		RecordToken{ID: "t", Name: "x", Role: RoleReader, Expires: late},
		RevokeID{ID: "t", Expires: late},
		UpdateAssignment{Course: "c1", Assignment: "a1", Due: &late},
	} {
		if _, err := s.try(c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", c.Kind(), err)
		}
	}
	before := s.hash()
	_, err := s.try(ApplyImport{
		Course: "c1", Students: []ImportStudent{{Key: "+s1", Last: "New"}},
		Scores: []ImportScore{{Cell: Cell{Assignment: "a1", Student: "+s1"}, Points: points("1"), Base: at(7)}},
	})
	if !errors.Is(err, ErrConflict) || s.hash() != before {
		t.Errorf("got %v", err)
	}
	if _, err := s.Apply(SignOut{Account: "u1"}, Meta{At: late}); !errors.Is(err, ErrInvalid) {
		t.Errorf("got %v", err)
	}
	reread(t, s.Book)
}

func TestASnapshotEndsWhereItEnds(t *testing.T) {
	t.Parallel()
	s := everything(t)
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(snapshot(t, s.Freeze())), strings.NewReader("and then")))
	b, err := Read(in)
	if err != nil || b.Hash() != s.Hash() {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); err != nil || string(rest) != "and then" {
		t.Errorf("left %q, %v", rest, err)
	}
}

func TestAFailingWriterIsReported(t *testing.T) {
	t.Parallel()
	_, err := everything(t).Freeze().WriteTo(fullDisk{})
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func FuzzRead(f *testing.F) {
	whole := snapshot(f, everything(f).Freeze())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte("rollcall-gradebook 1\nbook {}\nend {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if again := reread(t, b); again.Hash() != b.Hash() {
			t.Fatal("what was read is not what is written")
		}
	})
}
