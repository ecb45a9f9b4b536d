package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node"
)

// agentCommand runs a node. Its flags are the fields of node.Config, bound by
// their tags.
type agentCommand struct{ node.Config }

// Run starts the node, says where it listens, and works until the process is
// told to stop. What keeps a node from starting is something to correct, so it
// is exit code 2; what ends one that ran is a failure, 1.
func (a *agentCommand) Run(ctx context.Context, c *console) error {
	if a.SecretFile == "" {
		a.Secret = c.getenv("ROLLCALL_SECRET")
	}
	n, err := node.New(a.Config)
	if err != nil {
		return usage(err)
	}
	context.AfterFunc(ctx, func() { notify(c.getenv, "STOPPING=1") })
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	select {
	case err = <-ended: // what the others said of it, for one: another secret
	case <-n.Started():
		a.ready(c, n)
		err = <-ended
	}
	if errors.Is(err, membership.ErrWrongSecret) { // only the others could tell
		return usage(err)
	}
	return err
}

// ready tells people and the service manager that the node works.
func (a *agentCommand) ready(c *console, n *node.Node) {
	fmt.Fprintln(c.out, n.Ready())
	if a.Dev && a.SecretFile == "" && a.Secret == "" {
		fmt.Fprintf(c.out, "be its administrator with:  export ROLLCALL_NODE=%s ROLLCALL_SECRET_FILE=%s\nand make an account with:  rollcall accounts create admin --role admin\n",
			n.URL(), filepath.Join(a.DataDir, "secret"))
	}
	notify(c.getenv, "READY=1")
}
