package registry

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/httpapi"
)

// The kinds of message on a stream.
const (
	// MessageSnapshot is the whole view, sent first to a caller whose place
	// in the timeline this node does not know.
	MessageSnapshot = "snapshot"
	// MessageCluster is the whole view again, sent when it changed.
	MessageCluster = "cluster"
	// MessageTimeline is one event of the timeline.
	MessageTimeline = "timeline"
	// MessageMoved says that this node stops serving: connect again.
	MessageMoved = "moved"
)

// Message is one message of a stream. Cluster is set on snapshots and cluster
// messages, Event on timeline messages.
type Message struct {
	ID      string // send it as after to go on from here
	Kind    string
	Cluster *Cluster
	Event   *Event
}

const (
	// quietLimit is how long a stream may be silent, pings included, before
	// the client takes the node for dead: three pings.
	quietLimit = 3 * pingEvery
	// lostLimit is how long a client tries to reach any node again after a
	// stream broke, before it gives the error to its caller.
	lostLimit = 15 * time.Second
)

// Events follows the cluster until ctx ends: after is the id of the last
// message seen, or "" to begin with a snapshot and the last recent events of
// the timeline. A stream that breaks is taken up again, at whichever node
// answers then. The sequence ends with an error when the first connection
// fails, when a node refuses the call, or when no node answers for 15 s.
func (c *Client) Events(ctx context.Context, after string, recent int) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		var lost time.Time // when the stream broke; zero before the first one
		connected := false
		for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
			err := c.stream(ctx, after, recent, func(m Message) bool {
				connected, lost, wait = true, time.Time{}, 100*time.Millisecond
				if m.ID != "" {
					after = m.ID
				}
				return m.Kind == MessageMoved || yield(m, nil)
			})
			if errors.Is(err, errStopped) || ctx.Err() != nil {
				return
			}
			if lost.IsZero() {
				lost = time.Now()
			}
			if refused := (*httpapi.Problem)(nil); !connected || errors.As(err, &refused) && refused.Status < 500 || time.Since(lost) > lostLimit {
				yield(Message{}, fmt.Errorf("cluster events: %w", err))
				return
			}
			if !sleep(ctx, wait/2+rand.N(wait/2)) {
				return
			}
		}
	}
}

// errStopped says that the reader of the sequence had enough.
var errStopped = errors.New("stopped")

// stream reads one connection to its end. It always returns an error.
func (c *Client) stream(ctx context.Context, after string, recent int, take func(Message) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(quietLimit, func() { cancel(fmt.Errorf("silent for %v", quietLimit)) })
	defer quiet.Stop()

	path, header := "/v1/cluster/events", http.Header{"Accept": {"text/event-stream"}}
	if after != "" {
		header.Set("Last-Event-ID", after)
	} else if recent > 0 {
		path += "?" + url.Values{"recent": {strconv.Itoa(recent)}}.Encode()
	}
	resp, err := c.get(ctx, path, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = readMessages(resp.Body, func() { quiet.Reset(quietLimit) }, take)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, errStopped) {
		return cause
	}
	return err
}

// readMessages reads server-sent events (WHATWG HTML, 9.2) and hands each to
// take until take says no. beat is called for every line, comments included.
func readMessages(r io.Reader, beat func(), take func(Message) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 8<<20) // a view of hundreds of nodes in one line
	var id, kind string
	var data []byte
	for lines.Scan() {
		beat()
		line := lines.Text()
		if line == "" {
			if len(data) > 0 {
				m, err := decodeMessage(id, kind, data)
				if err != nil {
					return err
				}
				if !take(m) {
					return errStopped
				}
			}
			kind, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// decodeMessage makes a Message of one server-sent event. Kinds that it does
// not know pass without content, so that older clients read newer nodes.
func decodeMessage(id, kind string, data []byte) (Message, error) {
	m := Message{ID: id, Kind: kind}
	var err error
	switch kind {
	case MessageSnapshot, MessageCluster:
		err = json.Unmarshal(data, &m.Cluster)
	case MessageTimeline:
		err = json.Unmarshal(data, &m.Event)
	}
	if err != nil {
		return m, fmt.Errorf("message %s of kind %q: %w", id, kind, err)
	}
	return m, nil
}
