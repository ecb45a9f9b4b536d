// Command rollcall is the whole of rollcall in one binary: it runs a node
// ("rollcall agent"), and it talks to running nodes ("rollcall status" and
// the rest).
//
// # The path of one command
//
// main hands the process to run, and run is the program: it takes arguments
// and streams and returns an exit code, so a test can call it like any other
// function. kong reads the arguments into the grammar (grammar.go), each
// command checks its own values (fault.go), and only then its Run method
// works. A command that asks the cluster something builds a client on an
// http.RoundTripper that knows several nodes (nodes.go): when one is dead or
// has no answer just now, the same request goes to the next, under the same
// idempotency key, so a node that dies in the middle costs time and nothing
// else.
//
// # Exit codes
//
// 0 is success, 1 is a failure (no node answers, a grade was lost), and 2 is
// bad input, told in one message with every fault: the field, its value, and
// what to give instead.
//
// # Secrets
//
// Other people on a machine can read the arguments of every process, so no
// argument is ever a secret: passwords come from standard input, tokens and
// the cluster secret from files or the environment.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
