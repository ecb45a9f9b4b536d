package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of the program.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// console is where a command reads and writes. The fields stand for the
// process's own streams and environment, and for something smaller in tests.
type console struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// left is what kong's --help and completions panic with instead of ending
// the process, so that run can return like any function.
type left int

// run is the program. It returns when the command is done, or soon after ctx
// ends or the first SIGINT or SIGTERM arrives; a second signal ends the
// process at once.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its usual effect

	defer func() {
		switch r := recover().(type) {
		case nil:
		case left:
			code = int(r)
		default:
			panic(r)
		}
	}()

	c := &console{in: stdin, out: stdout, err: stderr, getenv: os.Getenv}
	var g grammar
	parser, err := kong.New(&g,
		kong.Name("rollcall"),
		kong.Description("A school's gradebook on a cluster where any node may die."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(left(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.PostBuild(nameEnvironment),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c),
	)
	if err != nil { // a mistake in the grammar itself; TestGrammar finds it first
		fmt.Fprintf(stderr, "rollcall: %v\n", err)
		return exitFailure
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(negatives(parser.Model, args))
	if err != nil {
		return report(stderr, usage(err))
	}
	var found faults
	if cmd, ok := parsed.Selected().Target.Addr().Interface().(checker); ok {
		cmd.check(&found)
	}
	if err := found.err(); err != nil {
		return report(stderr, err)
	}
	err = parsed.Run(parser)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitFailure // interrupted: the person knows
	}
	return report(stderr, err)
}

// report prints err, if any, and returns the exit code that it means.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(w, "rollcall: %s\n", explain(err))
	if isUsage(err) {
		return exitUsage
	}
	return exitFailure
}
