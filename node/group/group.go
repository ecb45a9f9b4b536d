// Package group runs the parts of a program and stops them in the reverse of
// the order in which they were added.
//
// What is built first is needed by what is built later, so it must outlive
// it: the listener stops before the service behind it, and the service
// before the gossip that tells others where it is. Each part is stopped, and
// has returned, before the part below it hears anything. The idea is that of
// oklog/run, with an order.
package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Group is an ordered set of parts. The zero value is ready to use. It is not
// safe for concurrent use, and Run is called once.
type Group struct{ parts []part }

type part struct {
	name string
	run  func(context.Context) error
}

// Add appends a part. run blocks until its context is done, and returns nil
// when that is the only reason it returned.
func (g *Group) Add(name string, run func(context.Context) error) {
	g.parts = append(g.parts, part{name, run})
}

// Run starts every part and blocks until ctx is done or the first part
// returns. Then it stops the parts one at a time, last added first. It
// returns their errors joined, each under its part's name.
//
// The parts' contexts carry the values of ctx but not its end: a part is told
// to stop only when its turn has come.
func (g *Group) Run(ctx context.Context) error {
	type live struct {
		part
		stop context.CancelFunc
		done chan error
	}
	ended := make(chan struct{}, len(g.parts))
	lives := make([]live, 0, len(g.parts))
	for _, p := range g.parts {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		l := live{p, stop, make(chan error, 1)}
		go func() {
			l.done <- l.run(own)
			ended <- struct{}{}
		}()
		lives = append(lives, l)
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
	var errs []error
	for _, l := range slices.Backward(lives) {
		l.stop()
		if err := <-l.done; err != nil {
			if !strings.HasPrefix(err.Error(), l.name+": ") { // a package may have said its name already
				err = fmt.Errorf("%s: %w", l.name, err)
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
