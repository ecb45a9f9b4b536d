package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// password reads a password: twice and unseen from a terminal, else the first
// line of standard input, as in `rollcall accounts password mira < file`.
func (c *console) password(whose string) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return c.askTwice(int(f.Fd()), whose)
	}
	line, err := c.line()
	if err != nil {
		return "", err
	}
	return filled(line)
}

// line reads one line of standard input, without its ending.
func (c *console) line() (string, error) {
	line, err := bufio.NewReader(io.LimitReader(c.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func (c *console) askTwice(fd int, whose string) (string, error) {
	ask := func(prompt string) (string, error) {
		fmt.Fprint(c.err, prompt)
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(c.err)
		return string(b), err
	}
	first, err := ask("Password for " + whose + ": ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	again, err := ask("Again: ")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	if first != again {
		return "", usagef("password: the two entries differ; try again")
	}
	return filled(first)
}

// filled refuses an empty password.
func filled(s string) (string, error) {
	if s == "" {
		return "", usagef("password: it is empty; type it when asked, or give it on the first line of standard input")
	}
	return s, nil
}
