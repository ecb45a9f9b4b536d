package main

import (
	"context"
	"fmt"
	"net/http"
)

// labCommand breaks things on purpose, on nodes that run with --lab.
type labCommand struct {
	Cut  labCutCommand  `cmd:"" help:"Cut a node's links to all other nodes."`
	Heal labHealCommand `cmd:"" help:"Mend a node's links."`
}

type labCutCommand struct{ conn }

func (l *labCutCommand) check(f *faults) {
	l.conn.check(f)
	l.one(f, "the one to cut off")
}

// Run cuts.
func (l *labCutCommand) Run(ctx context.Context, c *console) error {
	rt, err := l.dial(c)
	if err != nil {
		return err
	}
	if err := call(ctx, rt, http.MethodPost, "/v1/lab/cut", struct{}{}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is cut off from all other nodes\n", l.describe())
	return err
}

type labHealCommand struct{ conn }

func (l *labHealCommand) check(f *faults) {
	l.conn.check(f)
	l.one(f, "the one to heal")
}

// Run heals.
func (l *labHealCommand) Run(ctx context.Context, c *console) error {
	rt, err := l.dial(c)
	if err != nil {
		return err
	}
	if err := call(ctx, rt, http.MethodPost, "/v1/lab/heal", struct{}{}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s has its links again\n", l.describe())
	return err
}
