package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/distributedgo/rollcall/services/registry"
)

// eventsCommand shows the cluster's timeline: who came, went, failed, led.
type eventsCommand struct {
	conn
	Recent int  `default:"50" help:"Begin with so many past events, 0 to 1024."`
	Follow bool `short:"f" help:"Then show each event as it happens."`
	JSON   bool `help:"One event a line, as JSON."`
}

func (e *eventsCommand) check(f *faults) {
	e.conn.check(f)
	if e.Recent < 0 || e.Recent > 1024 {
		f.add("--recent", strconv.Itoa(e.Recent), "give 0 to 1024")
	}
}

// backlog is how long a stream may be silent before its past is taken to have
// been told: a node sends all of that at once.
const backlog = 300 * time.Millisecond

// Run prints events, the newest last.
func (e *eventsCommand) Run(ctx context.Context, c *console) error {
	rt, err := e.dial(c)
	if err != nil {
		return err
	}
	if t, ok := rt.to.(interface{ CloseIdleConnections() }); ok {
		defer t.CloseIdleConnections()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var quiet *time.Timer
	for m, err := range registry.NewClient(rt, anyNode).Events(ctx, "", e.Recent) {
		if err != nil {
			return err
		}
		if !e.Follow {
			switch {
			case m.Kind == registry.MessageCluster:
				return nil // the view again: the past is over
			case quiet == nil:
				quiet = time.AfterFunc(backlog, stop)
				defer quiet.Stop()
			default:
				quiet.Reset(backlog)
			}
		}
		if m.Event != nil {
			if err := printEvent(c.out, *m.Event, e.JSON); err != nil {
				return err
			}
		}
	}
	return nil
}

func printEvent(w io.Writer, e registry.Event, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	detail := plain(e.Detail)
	if detail != "" {
		detail = ": " + detail
	}
	_, err := fmt.Fprintf(w, "%s  %-21s %s%s\n", stamp(e.At), plain(e.Kind), plain(e.Name), detail)
	return err
}
