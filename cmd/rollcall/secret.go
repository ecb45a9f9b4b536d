package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/distributedgo/rollcall/node/secret"
)

// secretCommand is about the one secret that makes nodes a cluster.
type secretCommand struct {
	New    secretNewCommand    `cmd:"" help:"Make a new cluster secret."`
	Status secretStatusCommand `cmd:"" help:"Show which secret is in use here and on each node."`
}

// secretNewCommand makes a secret. Whoever holds it is a full member of the
// cluster, so it is printed only when no file is named.
type secretNewCommand struct {
	Out string `placeholder:"FILE" type:"path" help:"Write it to a new file that only you can read, instead of printing it."`
}

// Run writes or prints a new secret. An existing file is never replaced.
func (s *secretNewCommand) Run(c *console) error {
	made := secret.New()
	if s.Out == "" {
		_, err := fmt.Fprintln(c.out, made.Text())
		return err
	}
	f, err := privateFile("--out", s.Out)
	if err != nil {
		return err
	}
	if err := fill(f, made.Text()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s %s\n", made.Fingerprint(), s.Out)
	return err
}

// privateFile makes a new file that only its owner can read. One that exists
// is never replaced: a lost secret is a lost cluster.
func privateFile(field, name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, usagef("%s: %w", field, err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, usagef("%s: %q: the file exists and is not replaced; name a new one", field, name)
	}
	if err != nil {
		return nil, usagef("%s: %w", field, err)
	}
	return f, nil
}

// fill writes one line to f and closes it.
func fill(f *os.File, line string) error {
	_, err := fmt.Fprintln(f, line)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return nil
}

// secretStatusCommand shows a rotation's progress: it is safe to use a secret
// when every member accepts it, and to remove one when none uses it.
type secretStatusCommand struct {
	conn
	JSON bool `help:"Print JSON."`
}

// secretStanding is what one node says of its secrets.
type secretStanding struct {
	Node        string `json:"name"`
	ID          string `json:"id"`
	Status      string `json:"status"`
	Fingerprint string `json:"fingerprint"`
	Same        *bool  `json:"same,omitempty"` // as the secret given here; absent without one
}

// Run prints the fingerprint of the secret given here and those of the nodes.
func (s *secretStatusCommand) Run(ctx context.Context, c *console) error {
	ring, err := s.ring(c.getenv)
	if err != nil {
		return err
	}
	rt, err := s.dial(c)
	if err != nil {
		return err
	}
	var view struct {
		Nodes []secretStanding `json:"nodes"`
	}
	if err := call(ctx, rt, http.MethodGet, "/v1/cluster", nil, &view); err != nil {
		return err
	}
	list := view.Nodes
	for i, n := range list {
		if ring != nil && n.Fingerprint != "" {
			same := n.Fingerprint == ring.Fingerprint()
			list[i].Same = &same
		}
	}
	if s.JSON {
		return printJSON(c.out, list)
	}
	if ring != nil {
		fmt.Fprintf(c.out, "given here: %s", ring.Fingerprint())
		for _, also := range ring[1:] {
			fmt.Fprintf(c.out, ", also accepted: %s", also.Fingerprint())
		}
		fmt.Fprintf(c.out, "\n\n")
	}
	t := newTable(c.out, "NODE", "STATUS", "USES", "SAME AS HERE")
	for _, st := range list {
		same := ""
		if st.Same != nil {
			same = map[bool]string{true: "yes", false: "no"}[*st.Same]
		}
		t.row(st.Node, st.Status, st.Fingerprint, same)
	}
	return t.flush()
}
