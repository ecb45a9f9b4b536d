package membership

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Update changes this node's own tags; changes are made one after the other.
// It returns when the news is on its way: Members shows it at once, the others
// within a gossip spread. It fails, and changes nothing, when the tags would
// not fit into 512 bytes.
func (a *Agent) Update(change func(*Tags)) error {
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	next := a.tags.clone()
	change(&next)
	host, _, _ := net.SplitHostPort(a.self)
	encoded, err := next.encode(host)
	if err != nil {
		return err
	}
	a.tags = next
	a.guard.setOwn(next.Gradebook)
	// The only error left is that nobody confirmed in time; the tags stand, and
	// spread with the next exchange.
	if err := a.serf.SetTags(encoded); err != nil {
		a.log.Info("new tags spread slowly", "error", err)
	}
	a.reconcile()
	return nil
}

// Withdraw takes back this node's roles and waits one gossip spread, so that
// no one picks it any more when it stops answering. It returns ctx's error
// when that ends first.
func (a *Agent) Withdraw(ctx context.Context) error {
	if err := a.Update(func(t *Tags) { t.Roles, t.Standby = nil, nil }); err != nil {
		return err
	}
	select {
	case <-time.After(a.timing.spreadTime(len(a.Members()))):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("membership: withdraw roles: %w", ctx.Err())
	}
}
