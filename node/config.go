package node

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is everything an operator can choose. The tags bind each field once
// to its flag, its environment variable and its help; kong reads them, this
// package only checks the values.
type Config struct {
	Name    string `help:"Name for people, unique in the cluster; default: the host's name." placeholder:"NAME" env:"ROLLCALL_NAME"`
	DataDir string `help:"Folder for all that this node keeps. One running agent may use it." default:"./rollcall-data" placeholder:"DIR" env:"ROLLCALL_DATA_DIR"`

	Roles   []string `help:"What this node serves: registry, log, grading, portal." default:"registry,log,grading,portal" placeholder:"ROLE,…" env:"ROLLCALL_ROLES"`
	Standby string   `help:"Take the registry role while nobody serves it: registry or none." default:"registry" placeholder:"ROLE" env:"ROLLCALL_STANDBY"`
	Zone    string   `help:"Where this node stands, such as a building. Shown, not used." placeholder:"ZONE" env:"ROLLCALL_ZONE"`

	Join       []string `help:"Gossip addresses of the other nodes, host:port. All of them, on each node; its own is passed over." placeholder:"ADDR,…" env:"ROLLCALL_JOIN"`
	SecretFile string   `help:"File with the cluster's secret (or several while one is replaced). Without it the secret is read from the environment variable ROLLCALL_SECRET." placeholder:"FILE" env:"ROLLCALL_SECRET_FILE"`
	Secret     string   `kong:"-"` // from the environment only: a command line can be read by everybody

	HTTP        string `help:"Public port: pages, API, metrics." name:"http" default:"127.0.0.1:8500" placeholder:"ADDR" env:"ROLLCALL_HTTP"`
	Cluster     string `help:"Port for calls between nodes, always mutual TLS." default:"127.0.0.1:8501" placeholder:"ADDR" env:"ROLLCALL_CLUSTER"`
	Gossip      string `help:"Port for gossip, UDP and TCP, always encrypted." default:"127.0.0.1:8502" placeholder:"ADDR" env:"ROLLCALL_GOSSIP"`
	Advertise   string `help:"Host or IP that the others reach this node at. Needed when a port listens on all addresses." placeholder:"HOST" env:"ROLLCALL_ADVERTISE"`
	PublicURL   string `help:"How browsers reach this node, when not by its public port's own address." name:"public-url" placeholder:"URL" env:"ROLLCALL_PUBLIC_URL"`
	TLSCert     string `help:"Certificate file (PEM) of the public port. Beyond loopback and without one, the node makes its own and prints the fingerprint." name:"tls-cert" placeholder:"FILE" env:"ROLLCALL_TLS_CERT"`
	TLSKey      string `help:"Key file (PEM) for --tls-cert." name:"tls-key" placeholder:"FILE" env:"ROLLCALL_TLS_KEY"`
	BehindProxy bool   `help:"A proxy in front of the public port does TLS: serve plain HTTP, and trust no caller for being on loopback." env:"ROLLCALL_BEHIND_PROXY"`
	Anonymous   string `help:"What callers without a session or token may do: none, read (the cluster page), register (on loopback: also register services, ship and read logs). Default: register on a loopback port without --behind-proxy, else none." placeholder:"WHAT" env:"ROLLCALL_ANONYMOUS"`

	Profile       string        `help:"Gossip timing: local (one machine or LAN) or wan." default:"local" placeholder:"NAME" env:"ROLLCALL_PROFILE"`
	RaftHeartbeat time.Duration `help:"Silence of the gradebook's leader after which a follower stands for election." default:"300ms" placeholder:"TIME" env:"ROLLCALL_RAFT_HEARTBEAT"`
	RaftElection  time.Duration `help:"Time after which an undecided election is held again; at least the heartbeat." default:"300ms" placeholder:"TIME" env:"ROLLCALL_RAFT_ELECTION"`
	RaftLease     time.Duration `help:"Time without a quorum after which the leader steps down; at most the heartbeat." default:"300ms" placeholder:"TIME" env:"ROLLCALL_RAFT_LEASE"`
	LogReplicas   int           `help:"Copies of each log record. Records wait in the spool until so many log nodes have them." default:"2" placeholder:"N" env:"ROLLCALL_LOG_REPLICAS"`
	LogDays       int           `help:"Days that a log node keeps records; 0: no limit." default:"30" placeholder:"N" env:"ROLLCALL_LOG_DAYS"`
	LogBytes      int64         `help:"Bytes of records that a log node keeps: whole days go, oldest first; 0: no limit." default:"10737418240" placeholder:"BYTES" env:"ROLLCALL_LOG_BYTES"`
	SpoolBytes    int64         `help:"Size of the spool at which new log records are refused." default:"1073741824" placeholder:"BYTES" env:"ROLLCALL_SPOOL_BYTES"`

	Lab      bool      `help:"Allow an admin to cut this node off and heal it (for tests and teaching)." env:"ROLLCALL_LAB"`
	Dev      bool      `help:"One node to try things: makes a secret of its own when there is none, founds a gradebook, keeps one copy of logs." env:"ROLLCALL_DEV"`
	Stderr   io.Writer `kong:"-"` // where the node's own log lines go besides the log nodes; default os.Stderr
	LogLevel string    `help:"Least level that is written and shipped: debug, info, warn, error." default:"info" placeholder:"LEVEL" env:"ROLLCALL_LOG_LEVEL"`
}

// DefaultConfig returns a configuration that works on one machine, but for the
// secret.
func DefaultConfig() Config {
	return Config{
		DataDir: "./rollcall-data", Roles: slices.Clone(allRoles), Standby: roleRegistry,
		HTTP: "127.0.0.1:8500", Cluster: "127.0.0.1:8501", Gossip: "127.0.0.1:8502",
		Profile: "local", RaftHeartbeat: 300 * time.Millisecond, RaftElection: 300 * time.Millisecond, RaftLease: 300 * time.Millisecond,
		LogReplicas: 2, LogDays: 30, LogBytes: 10 << 30, SpoolBytes: 1 << 30, LogLevel: "info",
	}
}

// complete fills in what depends on other fields and returns every fault, each
// with the flag, its value and what to do.
func (c *Config) complete() error {
	var faults []error
	bad := func(flag string, value any, format string, args ...any) {
		faults = append(faults, fmt.Errorf("--%s %q: %s", flag, fmt.Sprint(value), fmt.Sprintf(format, args...)))
	}
	oneOf := func(flag, value string, choices ...string) {
		if !slices.Contains(choices, value) {
			bad(flag, value, "choose from %s", strings.Join(choices, ", "))
		}
	}
	if c.Name == "" {
		c.Name, _ = os.Hostname()
	}
	if len(c.Name) > 32 || strings.Trim(c.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || c.Name == "" {
		bad("name", c.Name, "use 1 to 32 letters, digits, dots, dashes and underscores")
	}
	for _, r := range c.Roles {
		oneOf("roles", r, allRoles...)
	}
	if slices.Sort(c.Roles); len(slices.Compact(slices.Clone(c.Roles))) != len(c.Roles) {
		bad("roles", strings.Join(c.Roles, ","), "a role stands twice: remove one")
	}
	oneOf("standby", c.Standby, roleRegistry, "none")
	oneOf("profile", c.Profile, "local", "wan")
	oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error")
	if c.Anonymous != "" {
		oneOf("anonymous", c.Anonymous, "none", "read", "register")
	}
	if c.Anonymous == "register" && c.BehindProxy {
		bad("anonymous", c.Anonymous, "with --behind-proxy every caller seems to be on this machine: choose none or read")
	}
	for _, a := range []struct{ flag, value string }{{"http", c.HTTP}, {"cluster", c.Cluster}, {"gossip", c.Gossip}} {
		host, err := splitAddress(a.value)
		switch {
		case err != nil:
			bad(a.flag, a.value, "%v", err)
		case c.Advertise == "" && (host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified()):
			bad(a.flag, a.value, "listens on all addresses: say with --advertise at which one the others reach this node")
		}
	}
	for _, a := range c.Join {
		if host, err := splitAddress(a); err != nil {
			bad("join", a, "%v", err)
		} else if host == "" {
			bad("join", a, "the host is missing: write host:port")
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls-cert", c.TLSCert, "give --tls-cert and --tls-key together")
	}
	if c.RaftHeartbeat < 5*time.Millisecond {
		bad("raft-heartbeat", c.RaftHeartbeat, "at least 5ms")
	}
	if c.RaftElection < c.RaftHeartbeat {
		bad("raft-election", c.RaftElection, "at least --raft-heartbeat, which is %v", c.RaftHeartbeat)
	}
	if c.RaftLease > c.RaftHeartbeat || c.RaftLease < 5*time.Millisecond {
		bad("raft-lease", c.RaftLease, "between 5ms and --raft-heartbeat, which is %v", c.RaftHeartbeat)
	}
	if c.LogReplicas < 1 || c.LogReplicas > 5 {
		bad("log-replicas", c.LogReplicas, "choose 1 to 5")
	}
	if c.LogDays < 0 {
		bad("log-days", c.LogDays, "0 for no limit, or more")
	}
	if c.LogBytes < 0 {
		bad("log-bytes", c.LogBytes, "0 for no limit, or more")
	}
	if c.SpoolBytes < 1<<20 {
		bad("spool-bytes", c.SpoolBytes, "at least 1048576")
	}
	if c.Dev {
		c.LogReplicas = 1
	}
	return errors.Join(faults...)
}

func (c Config) stderr() io.Writer {
	if c.Stderr == nil {
		return os.Stderr
	}
	return c.Stderr
}

// anonymous is the policy for callers that nobody has proved. A port that only
// this machine reaches is open to its programs, so that the clients of other
// registries work unchanged.
func (c Config) anonymous() string {
	switch {
	case c.Anonymous != "":
		return c.Anonymous
	case loopback(c.HTTP) && !c.BehindProxy:
		return "register"
	}
	return "none"
}

// splitAddress checks host:port and returns the host.
func splitAddress(addr string) (host string, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("write host:port")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("port %q: choose 0 to 65535", port)
	}
	return host, nil
}

// loopback reports whether only this machine can reach a listener at addr.
func loopback(addr string) bool {
	host, err := splitAddress(addr)
	return err == nil && loopbackHost(host)
}
