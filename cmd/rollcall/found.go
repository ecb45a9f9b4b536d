package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// foundCommand founds the gradebook, once in a cluster's life.
type foundCommand struct {
	conn
	JSON bool `help:"Print JSON."`
}

func (f *foundCommand) check(faults *faults) {
	f.conn.check(faults)
	f.one(faults, "the gradebook is founded on one node, and the others join it")
}

// one demands that exactly one node was named, for commands that mean that
// node and no other.
func (c *conn) one(f *faults, why string) {
	if len(c.Node) > 1 {
		f.add("--node", strings.Join(c.Node, ","), "name one node: "+why)
	}
}

// Run asks the node to found. It never asks a second node when the first does
// not answer: the first may have founded all the same.
func (f *foundCommand) Run(ctx context.Context, c *console) error {
	rt, err := f.dial(c)
	if err != nil {
		return err
	}
	var answer struct {
		Gradebook string `json:"gradebook"`
	}
	if err := call(ctx, rt, http.MethodPost, "/v1/found", struct{}{}, &answer); err != nil {
		return err
	}
	if f.JSON {
		return printJSON(c.out, answer)
	}
	_, err = fmt.Fprintf(c.out, "founded the gradebook %s\n", answer.Gradebook)
	return err
}

// leaveCommand takes a node out of the cluster for good. Stopping is another
// thing: a node that stops keeps its vote and comes back.
type leaveCommand struct {
	conn
	ID  string `placeholder:"NODE" help:"Retire another node, by id or name, that will not return; needs an administrator."`
	Yes bool   `short:"y" help:"Do not ask."`
}

func (l *leaveCommand) check(f *faults) {
	l.conn.check(f)
	if l.ID == "" {
		l.one(f, "the one that shall leave")
	}
}

// Run retires the node's vote and ends the node, or retires the vote of a node
// that is gone.
func (l *leaveCommand) Run(ctx context.Context, c *console) error {
	rt, err := l.dial(c)
	if err != nil {
		return err
	}
	if l.ID == "" {
		if err := l.confirm(c, "the node at "+l.describe()); err != nil {
			return err
		}
		if err := call(ctx, rt, http.MethodPost, "/v1/leave", struct{}{}, nil); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s is leaving: it hands over what it holds, gives up its vote, and stops\n", l.describe())
		return err
	}
	view, err := l.view(ctx, c)
	if err != nil {
		return err
	}
	id := l.ID
	for _, n := range view.Nodes {
		if n.Name == l.ID || n.ID == l.ID {
			if id = n.ID; n.Status == "alive" {
				return usagef("--id: %q: that node is alive; run `rollcall leave --node %s` so that it hands over first", l.ID, n.HTTP)
			}
			break
		}
	}
	if err := l.confirm(c, "node "+l.ID); err != nil {
		return err
	}
	if err := call(ctx, rt, http.MethodPost, "/v1/grading/retire", map[string]string{"id": id}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "retired %s: it has no vote any more and cannot come back under this id\n", id)
	return err
}

// confirm asks a person to type yes.
func (l *leaveCommand) confirm(c *console, what string) error {
	if l.Yes {
		return nil
	}
	fmt.Fprintf(c.err, "Take %s out of the cluster for good? Type yes: ", what)
	line, err := c.line()
	if err != nil {
		return err
	}
	if line != "yes" {
		return usagef("leave: not confirmed; type yes, or give --yes")
	}
	return nil
}
