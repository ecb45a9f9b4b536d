package grading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

var (
	noLog  = slog.New(slog.NewTextHandler(io.Discard, nil))
	anHour = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	admin  = identity.Principal{Role: identity.Admin, Name: "office", Token: "t1"}
)

// line makes the log's line of a change.
func line(t testing.TB, key string, c gradebook.Change, at time.Time, p identity.Principal) []byte {
	t.Helper()
	payload, err := gradebook.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	b, err := command{
		Version: CommandVersion, Kind: c.Kind(), Key: key, Request: hashRequest(c.Kind(), payload),
		At: at, Node: "n1", Actor: p, Payload: payload,
	}.encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// give applies lines as one entry and returns their outcomes.
func give(t testing.TB, f *fsm, index uint64, lines ...[]byte) []outcome {
	t.Helper()
	switch r := f.Apply(&raft.Log{Index: index, Type: raft.LogCommand, Data: joinEntry(lines)}).(type) {
	case []any:
		out := make([]outcome, len(r))
		for i := range r {
			out[i] = r[i].(outcome)
		}
		return out
	default:
		t.Fatalf("index %d: %v", index, r)
		return nil
	}
}

// school applies the same small history to a state machine.
func school(t testing.TB, f *fsm) {
	t.Helper()
	found, err := json.Marshal("g-golden")
	if err != nil {
		t.Fatal(err)
	}
	b, err := command{Version: 1, Kind: kindFound, Key: "found", At: anHour, Actor: admin, Payload: found}.encode()
	if err != nil {
		t.Fatal(err)
	}
	give(t, f, 3, b)
	give(t, f, 4,
		line(t, "k1", gradebook.CreateCourse{Title: "History"}, anHour, admin),
		line(t, "k2", gradebook.AddAssignment{Course: "c1", Title: "Rome", Possible: gradebook.Whole(20), Published: true}, anHour, admin),
		line(t, "k3", gradebook.AddStudent{Course: "c1", First: "Livia", Last: "Drusilla", Number: "58"}, anHour, admin))
	p := gradebook.Whole(17)
	give(t, f, 6, line(t, "k4", gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &p}, anHour.Add(time.Minute), admin))
	retired, err := json.Marshal("n9")
	if err != nil {
		t.Fatal(err)
	}
	b, err = command{Version: 1, Kind: kindRetire, Key: "k5", At: anHour, Actor: admin, Payload: retired}.encode()
	if err != nil {
		t.Fatal(err)
	}
	give(t, f, 7, b)
}

func write(t testing.TB, f *fsm) []byte {
	t.Helper()
	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.(*snapshot).write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSnapshotOfEachVersionIsReadable restores the golden file of every format
// version that ever was. Run with -update only to add the file of a new one.
func TestSnapshotOfEachVersionIsReadable(t *testing.T) {
	t.Parallel()
	now := newFSM(noLog, remembered)
	school(t, now)
	if *update {
		if err := os.WriteFile(fmt.Sprintf("testdata/snapshot-v%d", snapshotVersion), write(t, now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for v := 1; v <= snapshotVersion; v++ {
		b, err := os.ReadFile(fmt.Sprintf("testdata/snapshot-v%d", v))
		if err != nil {
			t.Fatal(err)
		}
		old := newFSM(noLog, remembered)
		if err := old.Restore(io.NopCloser(bytes.NewReader(b))); err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		view := old.view.Load()
		if view.Hash() != now.view.Load().Hash() || view.gradebook != "g-golden" || fmt.Sprint(view.retired) != "[n9]" ||
			old.applied.now() != 7 || !view.stamp.Equal(anHour.Add(time.Minute)) {
			t.Errorf("version %d: another state came back: %+v", v, view)
		}
		p := gradebook.Whole(17)
		again := give(t, old, 8, line(t, "k4", gradebook.SetScore{Course: "c1", Assignment: "a1", Student: "s1", Points: &p}, anHour, admin))
		if again[0].Index != 6 || again[0].Result.Score.Version != 1 {
			t.Errorf("version %d: the memory of commands did not come back: %+v", v, again[0])
		}
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFSM(noLog, remembered)
	school(t, f)
	whole := write(t, f)
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		b := bytes.Clone(whole[:r.IntN(len(whole))])
		if err := newFSM(noLog, remembered).Restore(io.NopCloser(bytes.NewReader(b))); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for a snapshot", len(b), len(whole))
		}
	}
	newer := bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":99`), 1)
	if err := newFSM(noLog, remembered).Restore(io.NopCloser(bytes.NewReader(newer))); !errors.Is(err, errTooNew) {
		t.Fatalf("a newer format: %v", err)
	}
}

func TestStateMachineStopsAtWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	newer, err := json.Marshal(command{Version: CommandVersion + 1, Kind: "setScore"})
	if err != nil {
		t.Fatal(err)
	}
	odd, err := json.Marshal(command{Version: 1, Kind: "teleport", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"newer version": joinEntry([][]byte{newer}), "unknown kind": joinEntry([][]byte{odd}),
		"no JSON": joinEntry([][]byte{[]byte("{")}), "damaged entry": {9, 1},
	} {
		f := newFSM(noLog, remembered)
		school(t, f)
		before := f.view.Load()
		if _, ok := f.Apply(&raft.Log{Index: 8, Data: data}).(error); !ok || f.failure() == nil {
			t.Errorf("%s: the state machine went on", name)
		}
		if _, ok := f.Apply(&raft.Log{Index: 9, Data: joinEntry([][]byte{line(t, "k9", gradebook.CreateCourse{Title: "x"}, anHour, admin)})}).(error); !ok {
			t.Errorf("%s: it took the next command", name)
		}
		if f.view.Load() != before || f.applied.now() != 7 {
			t.Errorf("%s: readers see a state after the stop", name)
		}
		if _, err := f.Snapshot(); err == nil {
			t.Errorf("%s: it wrote a snapshot", name)
		}
	}
}

func TestApplyAsksAgainWhoMay(t *testing.T) {
	t.Parallel()
	f := newFSM(noLog, remembered)
	school(t, f)
	give(t, f, 8, line(t, "a", gradebook.CreateAccount{Name: "ann", Role: "teacher", Hash: "$x"}, anHour, admin))
	ann := identity.Principal{Account: "u1", Role: identity.Teacher, Session: "s-1", Epoch: 1}
	try := func(index uint64, key string, p identity.Principal) *fault {
		return give(t, f, index, line(t, key, gradebook.CreateCourse{Title: "Own", Teachers: []string{"u1"}}, anHour, p))[0].Fault
	}
	if fault := try(9, "b", ann); fault != nil {
		t.Fatal(fault)
	}
	lying := ann
	lying.Role = identity.Admin // the account's role counts, not what the caller brings
	if out := give(t, f, 10, line(t, "c", gradebook.CreateAccount{Name: "eve", Role: "admin", Hash: "$x"}, anHour, lying)); out[0].Fault == nil {
		t.Error("a teacher made an admin")
	}
	give(t, f, 11, line(t, "d", gradebook.SignOut{Account: "u1"}, anHour, ann))
	if fault := try(12, "e", ann); fault == nil || fault.Code != faultUnproven {
		t.Errorf("a session of an older epoch: %v", fault)
	}
	fresh := ann
	fresh.Epoch = 2
	give(t, f, 13, line(t, "f", gradebook.RevokeID{ID: "s-1", Expires: anHour.Add(time.Hour)}, anHour, fresh))
	if fault := try(14, "g", fresh); fault == nil || fault.Code != faultUnproven {
		t.Errorf("a revoked session: %v", fault)
	}
	if again := try(15, "b", fresh); again != nil {
		t.Errorf("a retry of what was allowed then: %v", again)
	}
}

func TestStampsNeverGoBack(t *testing.T) {
	t.Parallel()
	f := newFSM(noLog, remembered)
	school(t, f)
	give(t, f, 8, line(t, "late", gradebook.CreateCourse{Title: "x"}, anHour.Add(-time.Hour), admin))
	h := f.book.History(gradebook.Filter{Limit: 1})
	if !h[0].At.Equal(anHour.Add(time.Minute)) {
		t.Fatalf("a slow clock took the history back to %v", h[0].At)
	}
}

func TestLargePayloadsArePacked(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, packFrom - 1, packFrom, maxCommandBytes} {
		payload := bytes.Repeat([]byte("x"), n)
		c := command{Kind: "k"}
		if err := c.pack(payload); err != nil {
			t.Fatal(err)
		}
		if got, err := c.unpack(); err != nil || !bytes.Equal(got, payload) || (len(c.Packed) > 0) != (n >= packFrom) {
			t.Errorf("%d bytes came back as %d, %v; %d packed", n, len(got), err, len(c.Packed))
		}
	}
	c := command{Kind: "k"}
	if err := c.pack(make([]byte, maxCommandBytes+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.unpack(); !errors.Is(err, errDamaged) {
		t.Errorf("one that unpacks to too much: %v", err)
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	const size, all = memosPerPage + 10, 3*memosPerPage + 5
	m := newMemory(size)
	var frozen memos
	for i := range all {
		if i == 2*memosPerPage+7 {
			frozen = m.freeze()
		}
		m.add(memo{id: memoOf("u1", fmt.Sprint(i)), answer: fmt.Append(nil, i)})
	}
	for i := range all {
		e, ok := m.find(memoOf("u1", fmt.Sprint(i)))
		if ok != (i >= all-size) || ok && string(e.answer) != fmt.Sprint(i) {
			t.Fatalf("key %d: %v, %s", i, ok, e.answer)
		}
	}
	var b bytes.Buffer
	if err := frozen.write(&b); err != nil {
		t.Fatal(err)
	}
	then, err := readMemos(bytes.NewReader(b.Bytes()), size)
	if err != nil || len(then.index) != size {
		t.Fatalf("%d memos came back, %v; want %d", len(then.index), err, size)
	}
	if _, ok := then.find(memoOf("u1", fmt.Sprint(2*memosPerPage+7))); ok {
		t.Error("what was added after the freeze is in it")
	}
	smaller, err := readMemos(&b, 2)
	if err != nil || len(smaller.index) != 2 {
		t.Fatalf("%d memos, %v", len(smaller.index), err)
	}
	if _, ok := smaller.find(memoOf("u1", fmt.Sprint(2*memosPerPage+6))); !ok {
		t.Error("the newest was forgotten")
	}
	if memoOf("u1", "2x") == memoOf("u12", "x") {
		t.Error("two accounts share a memo")
	}
}

func FuzzDecodeCommand(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"setScore","request":"00112233445566778899aabbccddeeff"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCommand(b)
		if err != nil {
			return
		}
		_, _ = c.unpack() // must not panic
		b2, err := c.encode()
		if err != nil {
			return // a payload that is no JSON
		}
		if c2, err := decodeCommand(b2); err != nil || c2.Kind != c.Kind || c2.Request != c.Request || c2.Key != strings.ToValidUTF8(c.Key, "\uFFFD") {
			t.Fatalf("%+v became %+v, %v", c, c2, err)
		}
	})
}
