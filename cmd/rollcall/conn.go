package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/secret"
)

// anyNode is the base URL that clients are given: nodes replaces the host by
// that of a real one.
const anyNode = "http://rollcall"

// mintedFor is how long the token lives that the CLI makes for itself from
// the cluster secret: long enough for one command, short enough to be no use
// to whoever finds it.
const mintedFor = 5 * time.Minute

// conn is the part of a command that says where the cluster is and who is
// asking. Each command that calls nodes embeds it.
type conn struct {
	Node        []string      `env:"ROLLCALL_NODE" default:"127.0.0.1:8500" placeholder:"ADDR" group:"Connection" help:"Nodes to ask, host:port or URL; the next is tried when one is silent."`
	TokenFile   string        `env:"ROLLCALL_TOKEN_FILE" placeholder:"FILE" group:"Connection" help:"File with an API token (or the token itself in ROLLCALL_TOKEN)."`
	SecretFile  string        `env:"ROLLCALL_SECRET_FILE" placeholder:"FILE" group:"Connection" help:"File with the cluster secret (or the secret itself in ROLLCALL_SECRET): makes this command an administrator."`
	CAFile      string        `name:"ca-file" env:"ROLLCALL_CA_FILE" placeholder:"FILE" group:"Connection" help:"PEM file of the authority that signed the nodes' certificates."`
	Fingerprint []string      `env:"ROLLCALL_FINGERPRINT" placeholder:"SHA256" group:"Connection" help:"Fingerprints of self-signed certificates to accept, as nodes print them."`
	Timeout     time.Duration `env:"ROLLCALL_TIMEOUT" default:"10s" group:"Connection" help:"How long to wait for an answer, other nodes included."`
}

// check implements checker.
func (c *conn) check(f *faults) {
	if len(c.Node) == 0 {
		f.add("--node", "", "give at least one address, as in 127.0.0.1:8500")
	}
	for _, n := range c.Node {
		if _, err := parseNode(n); err != nil {
			f.add("--node", n, err.Error())
		}
	}
	if c.Timeout <= 0 {
		f.add("--timeout", c.Timeout.String(), "give a positive duration, as in 10s")
	}
}

// dial returns a RoundTripper to the cluster for one command.
func (c *conn) dial(con *console) (*nodes, error) {
	bearer, err := c.bearer(con.getenv)
	if err != nil {
		return nil, err
	}
	t, err := plainTransport(c.CAFile, c.Fingerprint, c.Timeout)
	if err != nil {
		return nil, err
	}
	return c.over(t, bearer), nil
}

// over joins the addresses, a transport and an identity to a RoundTripper.
func (c *conn) over(t http.RoundTripper, bearer func() (string, error)) *nodes {
	n := &nodes{to: t, bearer: bearer, wait: c.Timeout}
	for _, addr := range c.Node {
		if u, err := parseNode(addr); err == nil { // check has told the others
			n.bases = append(n.bases, u)
		}
	}
	return n
}

// urls returns the nodes' base URLs, in the order given.
func (c *conn) urls() []*url.URL { return c.over(nil, nil).bases }

// bearer finds out who is asking: a token from a file or the environment
// stands for its owner; the cluster secret makes an administrator's token of
// a few minutes, minted again when it runs out; with neither the command is
// anonymous, which is enough to look at a cluster on this machine.
func (c *conn) bearer(getenv func(string) string) (func() (string, error), error) {
	token := strings.TrimSpace(getenv("ROLLCALL_TOKEN"))
	if c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, usagef("--token-file: %w", err)
		}
		if token = strings.TrimSpace(string(text)); token == "" {
			return nil, usagef("--token-file: %q: the file is empty; make a token with `rollcall token create`", c.TokenFile)
		}
	}
	if token != "" {
		return func() (string, error) { return token, nil }, nil
	}
	ring, err := c.ring(getenv)
	if err != nil || ring == nil {
		return nil, err
	}
	return minter(identity.Keys{Token: ring.Token(), Session: ring.Session()}, time.Now), nil
}

// ring reads the cluster secret, or returns nil when none was given.
func (c *conn) ring(getenv func(string) string) (secret.Ring, error) {
	if c.SecretFile != "" {
		ring, err := secret.ReadFile(c.SecretFile)
		if err != nil {
			return nil, usagef("--secret-file: %w", err)
		}
		return ring, nil
	}
	text := getenv("ROLLCALL_SECRET")
	if text == "" {
		return nil, nil
	}
	ring, err := secret.ParseRing(text)
	if err != nil {
		return nil, usagef("ROLLCALL_SECRET: %w", err)
	}
	return ring, nil
}

// describe names the nodes for a person, as in "127.0.0.1:8500 and 2 more".
func (c *conn) describe() string {
	if len(c.Node) == 1 {
		return c.Node[0]
	}
	return fmt.Sprintf("%s and %d more", c.Node[0], len(c.Node)-1)
}
