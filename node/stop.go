package node

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/httpapi"
)

// Limits of an orderly stop. Together they keep it within 10 s.
const (
	handOverTime = 2 * time.Second
	spreadTime   = 2 * time.Second
	drainTime    = 3 * time.Second
)

// keepPromises tells the others what this node serves, and when it stops takes
// that back before anything else ends. A stop is not a leave: the node keeps
// its vote in the gradebook and will be back.
//
//	hand the gradebook's leadership over   while forwarded calls still reach us
//	withdraw the role tags, wait a spread  nobody picks us any more
//	end event streams with "moved"         readers turn to another node
//	then the ports drain, the services stop, the spool is shipped, and the
//	agent says goodbye
func (n *Node) keepPromises(ctx context.Context) error {
	var errs []error
	if n.logStore != nil {
		errs = append(errs, n.promises.set(roleLog, true))
	}
	if n.portal != nil {
		errs = append(errs, n.promises.set(rolePortal, true))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	n.log.Info("node serves", "id", n.dir.id, "roles", n.cfg.Roles, "url", n.URL(), "version", Version())
	<-ctx.Done()
	if n.isDead() {
		return nil
	}
	n.log.Info("node stops")
	bounded := func(limit time.Duration, what string, step func(context.Context) error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		if err := step(ctx); err != nil {
			n.log.Warn("stop step not finished", "step", what, "error", err)
		}
	}
	if n.grading != nil {
		bounded(handOverTime, "hand over leadership", n.grading.HandOver)
	}
	n.promises.withdraw()
	bounded(spreadTime, "withdraw roles", n.agent.Withdraw)
	n.clusterAPI.Drain()
	n.publicAPI.Drain()
	return nil
}

// serve answers on ln until ctx ends, then finishes what has begun.
func (n *Node) serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := httpapi.Server(h, n.log)
	failed := make(chan error, 1)
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() { failed <- srv.Serve(ln) })
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	if n.isDead() {
		_ = srv.Close()
		return nil
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(limit); err != nil {
		n.log.Warn("calls were cut off by the stop", "error", err)
		_ = srv.Close()
	}
	return nil
}

// Leave retires this node's vote and then stops it for good. It returns once
// the node is retired; the stop follows.
func (n *Node) Leave(ctx context.Context) error {
	if n.grading != nil && n.grading.Status().Gradebook != "" {
		if err := n.grading.Retire(ctx, n.dir.id); err != nil {
			return err
		}
	}
	n.leaving.Do(func() { close(n.leave) })
	return nil
}

// Kill ends the node as kill -9 does, as far as one process can: its ports and
// connections close at once and nobody is told (connections only with
// Config.Lab). For tests. Run then returns nil.
func (n *Node) Kill() {
	n.killed()
	n.faults.Isolate()
	n.abandon()
}

// abandon closes what New has opened, without a word to anybody.
func (n *Node) abandon() {
	if n.public != nil {
		n.public.Close()
	}
	if n.port != nil {
		n.port.Close()
	}
	if n.agent != nil {
		n.agent.Crash()
	}
}

// runMembership gossips. A killed node's agent was crashed on purpose.
func (n *Node) runMembership(ctx context.Context) error {
	err := n.agent.Run(ctx)
	if n.isDead() {
		return nil
	}
	return err
}

// isDead reports whether Kill was called.
func (n *Node) isDead() bool { return n.dead.Err() != nil }

// secured puts TLS on the public port, when there is any.
func secured(ln net.Listener, cfg *tls.Config) net.Listener {
	if cfg == nil {
		return ln
	}
	return tls.NewListener(ln, cfg)
}

// Faults is the node's fault gate; nil without Config.Lab.
func (n *Node) Faults() *membership.Faults { return n.faults }
