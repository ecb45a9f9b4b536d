package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/distributedgo/rollcall/node/httpapi"
)

// checker is a command that can tell, before it does anything, what is wrong
// with the values it was given.
type checker interface{ check(*faults) }

// faults gathers everything that is wrong with the input, because being told
// of one mistake at a time is the slowest way to learn of five.
type faults []error

// add notes that field must not hold value, and what to give instead.
func (f *faults) add(field, value, remedy string) {
	*f = append(*f, fmt.Errorf("%s: %q: %s", field, value, remedy))
}

// err returns all faults as one usage error, or nil when there are none.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return usage(errors.Join(f...))
}

// usageError marks an error as bad input: exit code 2.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// usage marks err as bad input. It returns nil for nil.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// usagef is fmt.Errorf for bad input that shows only once a command works,
// such as a file that does not parse.
func usagef(format string, a ...any) error { return usage(fmt.Errorf(format, a...)) }

// isUsage reports whether err is bad input rather than a failure: found here,
// or by the node that was asked.
func isUsage(err error) bool {
	if _, ok := errors.AsType[usageError](err); ok {
		return true
	}
	p, ok := errors.AsType[*httpapi.Problem](err)
	return ok && (p.Status == http.StatusBadRequest || p.Status == http.StatusRequestEntityTooLarge || p.Status == http.StatusUnprocessableEntity)
}

// explain renders err for a person: a single fault stays on its line, several
// are a list. A node that does not know who is asking cannot know either how
// this program is told.
func explain(err error) string {
	if p, ok := errors.AsType[*httpapi.Problem](err); ok && p.Status == http.StatusUnauthorized {
		return err.Error() + "; give a token of this cluster with --token-file, or its secret with --secret-file"
	}
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("%d things to correct:\n  %s", len(lines), strings.Join(lines, "\n  "))
}
