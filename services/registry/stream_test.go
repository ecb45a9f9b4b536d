package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/health"
	"github.com/distributedgo/rollcall/node/httpapi"
)

func TestGetCluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, true, 2*time.Hour), w.add(t, false, time.Hour)
		w.run(t)
		time.Sleep(2 * time.Second)

		view, err := NewClient(w, "http://registry/").Cluster(asPerson(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if view.SeenBy != "n1" || view.Name != "school" || len(view.Nodes) != 2 || view.Worst != health.Passing {
			t.Errorf("view = %s", mustJSON(t, view))
		}
		status, header, body := n2.get(asPerson(t.Context()), t, "/v1/cluster")
		if status != http.StatusServiceUnavailable || header.Get(httpapi.HeaderNotServing) != Role {
			t.Errorf("of a node without the role: %d %v %s", status, header, body)
		}
		for _, path := range []string{"/v1/cluster", "/v1/cluster/events"} {
			if status, _, body := n1.get(t.Context(), t, path); status != http.StatusUnauthorized {
				t.Errorf("%s by nobody: %d %s, want 401", path, status, body)
			}
		}
		for _, bad := range []string{"-1", "1025", "x"} {
			status, _, body := n1.get(asPerson(t.Context()), t, "/v1/cluster/events?recent="+bad)
			if status != http.StatusUnprocessableEntity || !strings.Contains(body, "query.recent") {
				t.Errorf("recent=%s: %d %s, want 422 that names the field", bad, status, body)
			}
		}
		_, err = NewClient(w, "http://registry").Cluster(t.Context())
		if err == nil || !strings.Contains(err.Error(), "sign in") {
			t.Errorf("client by nobody: %v", err)
		}
	})
}

func TestMountOfNoService(t *testing.T) {
	t.Parallel()
	api := httpapi.New(httpapi.Config{Title: "test", Version: "1"})
	(*Service)(nil).Mount(api)
	doc, err := json.Marshal(api.Huma.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/v1/cluster", "/v1/cluster/events", "registryLead", "text/event-stream"} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("the description lacks %s", want)
		}
	}
}

// listener reads a client's stream into a slice that tests look at.
type listener struct {
	ch   chan Message
	errs chan error
	stop context.CancelFunc
}

func listen(t *testing.T, rt http.RoundTripper, base, lastID string, recent int) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(asPerson(t.Context()))
	l := &listener{ch: make(chan Message, 4096), errs: make(chan error, 1), stop: stop}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range NewClient(rt, base).Events(ctx, lastID, recent) {
			if err != nil {
				l.errs <- err
				return
			}
			l.ch <- m
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	return l
}

// next returns the next message of a kind; others before it are dropped.
func (l *listener) next(t *testing.T, kind string) Message {
	t.Helper()
	for {
		select {
		case m := <-l.ch:
			if m.Kind == kind {
				return m
			}
		case err := <-l.errs:
			t.Fatalf("waiting for %s: %v", kind, err)
		case <-time.After(30 * time.Second):
			t.Fatalf("no %s message", kind)
		}
	}
}

// all returns the messages that came so far.
func (l *listener) all() (messages []Message) {
	synctest.Wait()
	for {
		select {
		case m := <-l.ch:
			messages = append(messages, m)
		default:
			return messages
		}
	}
}

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1 := w.add(t, true, 2*time.Hour)
		w.add(t, true, time.Hour)
		w.run(t)
		time.Sleep(5 * time.Second)
		n1.timeline.Add("test", "", "", "before")

		// A new caller: the view, as many past events as asked for, then live.
		first := listen(t, w, "http://n1.node", "", 1)
		if m := first.next(t, MessageSnapshot); m.Cluster == nil || m.Cluster.SeenBy != "n1" {
			t.Fatalf("snapshot = %+v", m)
		}
		if m := first.next(t, MessageTimeline); m.Event.Detail != "before" {
			t.Errorf("recent event = %+v", m.Event)
		}
		n1.timeline.Add("test", "", "", "live")
		seen := first.next(t, MessageTimeline)
		if seen.Event.Detail != "live" || seen.ID != seen.Event.ID || !strings.HasPrefix(seen.ID, "n1:") {
			t.Errorf("live event = %+v under id %q", seen.Event, seen.ID)
		}
		first.stop()

		// The same node goes on where the caller was, without a snapshot.
		n1.timeline.Add("test", "", "", "missed")
		again := listen(t, w, "http://n1.node", seen.ID, 0)
		if m := <-again.ch; m.Kind != MessageTimeline || m.Event.Detail != "missed" {
			t.Errorf("resumed with %+v, want the missed event", m)
		}

		// Another node, an id that this node never gave, or too old a one:
		// all begin with a snapshot.
		for name, c := range map[string]struct{ base, id string }{
			"another node": {"http://n2.node", seen.ID},
			"not an id":    {"http://n1.node", "nonsense"},
			"the future":   {"http://n1.node", "n1:99999999999999"},
			"another life": {"http://n1.node", "n1:7"},
		} {
			l := listen(t, w, c.base, c.id, 5)
			if m := <-l.ch; m.Kind != MessageSnapshot {
				t.Errorf("%s: began with %+v, want a snapshot", name, m)
			}
		}
		for i := range 1100 {
			n1.timeline.Add("test", "", "", fmt.Sprint(i))
		}
		old := listen(t, w, "http://n1.node", seen.ID, 0)
		if m := <-old.ch; m.Kind != MessageSnapshot {
			t.Errorf("too old an id: began with %+v, want a snapshot", m)
		}
	})
}

func TestStreamTellsChangesOfTheView(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(t, true, 2*time.Hour)
		n2 := w.add(t, false, time.Hour)
		w.run(t)
		time.Sleep(5 * time.Second)
		l := listen(t, w, "http://n1.node", "", 0)
		l.next(t, MessageSnapshot)
		time.Sleep(30 * time.Second)
		if came := l.all(); len(came) > 0 {
			t.Errorf("nothing changed, and %s came", mustJSON(t, came))
		}

		// A storm of changes: the first at once, the rest four times a second.
		began := time.Now()
		w.change("n2", func(m *membership.Member) { m.Zone = "zone" })
		if m := l.next(t, MessageCluster); time.Since(began) > 10*time.Millisecond || m.Cluster.Nodes[1].Zone != "zone" {
			t.Errorf("the first change came after %v: %+v", time.Since(began), m.Cluster)
		}
		for i := range 200 {
			time.Sleep(10 * time.Millisecond)
			w.change("n2", func(m *membership.Member) { m.Zone = fmt.Sprint(i) })
		}
		time.Sleep(publishGap)
		came := l.all()
		if n := len(came); n < 6 || n > 9 {
			t.Errorf("%d messages in two seconds of changes, want about 8", n)
		}
		if zone := came[len(came)-1].Cluster.Nodes[1].Zone; zone != "199" {
			t.Errorf("the last change is %q, want 199", zone)
		}
		n2.crash()
		if m := l.next(t, MessageCluster); m.Cluster.Nodes[1].Status != "failed" {
			t.Errorf("after a crash: %+v", m.Cluster.Nodes[1])
		}
	})
}

func TestStreamMovesWithTheRole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		n1, n2 := w.add(t, false, 2*time.Hour), w.add(t, false, time.Hour)
		w.run(t)
		n1.svc.standIn()
		l := listen(t, w, "http://registry", "", 0)
		if m := l.next(t, MessageSnapshot); m.Cluster.SeenBy != "n1" {
			t.Fatalf("snapshot by %s", m.Cluster.SeenBy)
		}
		n2.svc.standIn()
		n1.svc.standDown()
		if m := l.next(t, MessageSnapshot); m.Cluster.SeenBy != "n2" {
			t.Errorf("went on at %s, want n2", m.Cluster.SeenBy)
		}
		// A node that dies in the middle of a stream, with no other: the
		// caller hears of it after lostLimit, not before.
		n2.set(func(n *node) { n.dead = true })
		n2.svc.endServing()
		began := time.Now()
		if err := <-l.errs; err == nil || time.Since(began) < lostLimit || time.Since(began) > lostLimit+5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
