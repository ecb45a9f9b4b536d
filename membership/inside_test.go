package membership

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/serf/serf"
)

func TestArrangeNames(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	m := func(id, name string, s Status, start int) Member {
		return Member{ID: id, Name: name, Status: s, Started: at(start)}
	}
	tests := map[string]struct {
		all  []Member
		want string
	}{
		"sorted by name":                  {[]Member{m("2", "b", StatusAlive, 1), m("1", "a", StatusFailed, 1)}, "a/1 b/2"},
		"alive hides failed":              {[]Member{m("1", "a", StatusFailed, 1), m("2", "a", StatusAlive, 2)}, "a/2"},
		"alive hides leaving":             {[]Member{m("1", "a", StatusLeaving, 1), m("2", "a", StatusAlive, 2)}, "a/2"},
		"alive hides failed, untagged":    {[]Member{m("1", "a", StatusFailed, 9), {ID: "2", Name: "a", Status: StatusAlive}}, "a/2"},
		"newest of the dead":              {[]Member{m("1", "a", StatusFailed, 1), m("2", "a", StatusLeft, 2)}, "a/2"},
		"two alive are both shown":        {[]Member{m("12345", "a", StatusAlive, 1), m("2", "a", StatusAlive, 2)}, "a-1234/12345 a-2/2"},
		"two alive, and the dead is gone": {[]Member{m("1", "a", StatusAlive, 1), m("2", "a", StatusAlive, 2), m("3", "a", StatusFailed, 3)}, "a-1/1 a-2/2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for range 5 { // any order in, one order out
				var got []string
				shown, _ := arrange(tt.all)
				for _, m := range shown {
					got = append(got, m.Name+"/"+m.ID)
				}
				if s := strings.Join(got, " "); s != tt.want {
					t.Errorf("shown %s, want %s", s, tt.want)
				}
				slices.Reverse(tt.all)
			}
		})
	}
}

func TestTagsComeBack(t *testing.T) {
	t.Parallel()
	in := Tags{
		Name: "n1", Roles: []string{"log", "grading"}, Standby: []string{"registry"}, HTTP: "127.0.0.1:8500", Cluster: "0.0.0.0:8501",
		Version: "1.2.3", Commands: 7, Started: time.UnixMilli(1763825378123).UTC(), Zone: "z", Gradebook: "g", Fingerprint: "f", Voting: true,
	}
	tags, err := in.encode("10.0.0.5")
	if err != nil {
		t.Fatal(err)
	}
	got := Member{ID: "9f2c", Gossip: "10.0.0.5:8502"}
	decode(&got, tags)
	want := Member{
		ID: "9f2c", Name: "n1", Roles: in.Roles, Standby: in.Standby, HTTP: "127.0.0.1:8500", Cluster: "10.0.0.5:8501", Gossip: "10.0.0.5:8502",
		Version: "1.2.3", Commands: 7, Started: in.Started, Zone: "z", Gradebook: "g", Fingerprint: "f", Voting: true,
	}
	if !got.same(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTimelineKeepsTheLast(t *testing.T) {
	t.Parallel()
	l := NewTimeline()
	if got := l.After(0); got != nil {
		t.Errorf("an empty timeline has %v", got)
	}
	var last Event
	for range timelineLen + 10 {
		last = l.Add("k", "m", "n", "d")
	}
	all := l.After(0)
	if len(all) != timelineLen || all[len(all)-1] != last {
		t.Errorf("%d events kept, want the last %d", len(all), timelineLen)
	}
	if got := l.After(last.Seq - 3); len(got) != 3 || got[0].Seq != last.Seq-2 {
		t.Errorf("After(last-3) gives %d events", len(got))
	}
	if got := l.After(last.Seq); len(got) != 0 {
		t.Errorf("After(last) gives %d events", len(got))
	}
	if got := l.After(last.Seq + 100); len(got) != 0 {
		t.Errorf("After a number from the future gives %d events", len(got))
	}
}

func TestQueueMergesAndNeverFills(t *testing.T) {
	t.Parallel()
	q := newQueue()
	e := func(typ serf.EventType, name string) serf.MemberEvent {
		return serf.MemberEvent{Type: typ, Members: []serf.Member{{Name: name}}}
	}
	q.push(e(serf.EventMemberUpdate, "a"))
	q.push(e(serf.EventMemberUpdate, "a"))
	q.push(e(serf.EventMemberUpdate, "b"))
	q.push(e(serf.EventMemberFailed, "b"))
	if got := len(q.take()); got != 3 {
		t.Errorf("%d changes wait, want 3: two updates of one member are one", got)
	}
	for range queueMost + 100 {
		q.push(e(serf.EventMemberFailed, "a"))
	}
	if got := len(q.take()); got != queueMost {
		t.Errorf("%d changes wait, want %d", got, queueMost)
	}
}

func TestBridgeDoesNotFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newBridge(slog.New(slog.NewTextHandler(&out, nil)))
		for i := range 1000 {
			l.Printf("[ERR] memberlist: Decrypt packet failed: no keys from=10.0.0.%d", i)
			l.Printf("[DEBUG] memberlist: Stream connection %d", i)
			l.Printf("[WARN] memberlist: ignoring alive message for 'x': %d", i)
		}
		time.Sleep(logEvery)
		l.Printf("[ERR] memberlist: Decrypt packet failed: again")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[1], "heldBack=999") {
			t.Errorf("%d lines, want a first and one that counts the rest:\n%s", len(lines), out.String())
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	var none *Faults
	none.Cut("a")
	none.Isolate()
	none.Heal()
	if none.Blocked("a") || none.Isolated() {
		t.Error("no fault switch, and yet a fault")
	}
	f := new(Faults)
	open := func(id string) (net.Conn, net.Conn) {
		near, far := net.Pipe()
		return f.Guard(id, near), far
	}
	_, farA := open("a")
	_, farB := open("b")
	f.Cut("a")
	if !f.Blocked("a") || f.Blocked("b") || f.Isolated() {
		t.Error("Cut(a) cuts a and nothing else")
	}
	ended(t, farA)
	if c, _ := open("a"); !closedConn(c) {
		t.Error("a connection across a cut stays open")
	}
	f.Isolate()
	if !f.Blocked("b") || !f.Isolated() {
		t.Error("Isolate cuts everything")
	}
	ended(t, farB)
	f.Heal()
	if f.Blocked("a") || f.Isolated() {
		t.Error("Heal left something cut")
	}
	if len(f.conns) != 0 {
		t.Errorf("%d connections still counted", len(f.conns))
	}
}

// ended waits until the far side of a connection is closed.
func ended(t *testing.T, far net.Conn) {
	t.Helper()
	_ = far.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %v, want EOF: the connection was not closed", err)
	}
}

func closedConn(c net.Conn) bool {
	_, err := c.Write([]byte{1})
	return err != nil
}

func TestSeedListSkipsItself(t *testing.T) {
	t.Parallel()
	l := newSeedList([]string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:1", "no.such.name.invalid:1"}, func(a string) bool { return a == "10.0.0.2:1" })
	if got := l.resolve(t.Context(), true); fmt.Sprint(got) != "[10.0.0.1:1]" {
		t.Errorf("seeds %v, want 10.0.0.1:1 alone", got)
	}
}

func TestIsSelf(t *testing.T) {
	t.Parallel()
	a := &Agent{self: "10.0.0.5:8502", cfg: Config{Bind: "0.0.0.0:8502"}}
	for addr, want := range map[string]bool{
		"10.0.0.5:8502": true, "127.0.0.1:8502": true, "127.0.0.1:8512": false, "10.0.0.6:8502": false,
	} {
		if got := a.isSelf(addr); got != want {
			t.Errorf("isSelf(%s) = %v, want %v", addr, got, want)
		}
	}
}
