package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// Config says who this node is and how it gossips.
type Config struct {
	// ID is the node's own, random, kept in its data directory. A wiped node
	// must come back under a new one: raft counts on it.
	ID string
	// Tags are the first ones told; Started is the agent's to set. Roles are
	// best left empty and set by Update once they can answer.
	Tags Tags
	// Bind is the address of the gossip port, UDP and TCP: IP:port. Port 0
	// takes a free one; see Agent.Addr.
	Bind string
	// Advertise is where others reach Bind, as host or host:port, when that
	// differs. Default: the bound address, or a private one of this machine
	// when bound to 0.0.0.0.
	Advertise string
	// Keys encrypt gossip with AES: 16, 24 or 32 bytes each. The first
	// encrypts, all are accepted, so that keys can be changed while running.
	Keys [][]byte
	// Seeds are host:port of nodes to join, as many as are known. The list is
	// kept for ever: it heals partitions. The own address may be among them.
	Seeds []string
	// Profile trades quick detection for patience. Default Local.
	Profile Profile
	// Faults lets a lab cut this node off. Nil: off, and nothing is in the way.
	Faults *Faults
	// Logger gets what happens, and the libraries' own words at low levels.
	// Default: none.
	Logger *slog.Logger

	// Transport replaces the network in tests; Bind is then not used.
	Transport memberlist.Transport
	// Now replaces the clock behind the start tag in tests. Default time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Profile == "" {
		c.Profile = Local
	}
	return c
}

// validate gathers every fault, each naming field, value and remedy.
func (c Config) validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("membership: "+format, args...)) }
	if c.ID == "" || strings.ContainsAny(c.ID, "/,:. \t\n") || len(c.ID) > 64 {
		fault("ID %.80q: want 1 to 64 letters and digits", c.ID)
	}
	for _, role := range append(c.Tags.Roles, c.Tags.Standby...) {
		if role == "" || strings.Contains(role, ",") {
			fault("Tags.Roles %q: a role is a word without commas", role)
		}
	}
	if len(c.Keys) == 0 {
		fault("Keys is empty: gossip is never in the clear, give at least one key")
	}
	for i, k := range c.Keys {
		if err := memberlist.ValidateKey(k); err != nil {
			fault("Keys[%d] has %d bytes: want 16, 24 or 32", i, len(k))
		}
	}
	for i, s := range c.Seeds {
		if _, err := splitPort(s); err != nil {
			fault("Seeds[%d] %q: want host:port (%w)", i, s, err)
		}
	}
	if _, ok := profiles[c.Profile]; !ok {
		fault("Profile %q: want %q or %q", c.Profile, Local, WAN)
	}
	if c.Transport == nil {
		host, _, err := net.SplitHostPort(c.Bind)
		switch ip := net.ParseIP(host); {
		case err != nil:
			fault("Bind %q: want IP:port (%w)", c.Bind, err)
		case ip == nil:
			fault("Bind %q: %q is not an IP address; give one of this machine, such as 127.0.0.1", c.Bind, host)
		case ip.IsUnspecified() && ip.To4() == nil && c.Advertise == "":
			fault("Bind %q: bound to every IPv6 address; say with Advertise which one others shall use", c.Bind)
		default:
			if _, err := splitPort(c.Bind); err != nil {
				fault("Bind %q: %w", c.Bind, err)
			}
		}
	}
	return errors.Join(errs...)
}

// splitPort returns the port of host:port.
func splitPort(addr string) (int, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return int(n), nil
}

// advertised resolves Advertise into an IP and a port (0: as bound).
func (c Config) advertised() (ip string, port int, err error) {
	if c.Advertise == "" {
		return "", 0, nil
	}
	host := c.Advertise
	if h, _, err := net.SplitHostPort(c.Advertise); err == nil {
		host = h
		if port, err = splitPort(c.Advertise); err != nil {
			return "", 0, fmt.Errorf("membership: Advertise %q: %w", c.Advertise, err)
		}
	}
	if net.ParseIP(host) != nil {
		return host, port, nil
	}
	addrs := lookup(context.Background(), net.JoinHostPort(host, "0"))
	if len(addrs) == 0 {
		return "", 0, fmt.Errorf("membership: Advertise %q: no address found for %q; give an IP address or a name that resolves", c.Advertise, host)
	}
	ip, _, err = net.SplitHostPort(addrs[0])
	return ip, port, err
}
