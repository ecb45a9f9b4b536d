package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/distributedgo/rollcall/services/logs"
)

const (
	followEvery = time.Second
	// followOverlap is how far each question reaches back before the newest
	// record shown. Records reach the store in batches and from many nodes, so
	// an older one may arrive after a newer one; one that takes longer than
	// this to arrive is not shown.
	followOverlap = 15 * time.Second
)

// follow asks again and again for what is new. It is a poll, honest and plain:
// each round asks for everything since a little before the newest record, and
// shows what it has not shown yet. It ends with ctx, or when no node answers.
func (l *logsCommand) follow(ctx context.Context, c *console, client *logs.Client, p *recordPrinter, shown []logs.Record) error {
	newest := time.Now()
	seen := map[[sha256.Size]byte]time.Time{}
	for _, r := range shown {
		seen[fingerprint(r)] = r.Time
	}
	complete := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
		q := l.query(newest.Add(-followOverlap))
		q.Order, q.Limit = logs.Ascending, logs.MaxLimit
		for {
			answer, err := client.Query(ctx, q)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			if answer.Complete != complete {
				if complete = answer.Complete; complete {
					fmt.Fprintln(c.err, "rollcall: answers are complete again")
				}
				warnIncomplete(c.err, answer)
			}
			for _, r := range answer.Records {
				id := fingerprint(r)
				if _, old := seen[id]; old {
					continue
				}
				seen[id] = r.Time
				if r.Time.After(newest) {
					newest = r.Time
				}
				if err := p.print(r); err != nil {
					return err
				}
			}
			if q.Cursor = answer.Next; q.Cursor == "" {
				break
			}
		}
		for id, at := range seen {
			if at.Before(newest.Add(-2 * followOverlap)) {
				delete(seen, id)
			}
		}
	}
}

// fingerprint names a record by all that it says: records have no id. Two that
// say the same at the same nanosecond are shown once.
func fingerprint(r logs.Record) [sha256.Size]byte {
	b, err := r.MarshalJSON()
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(b)
}
