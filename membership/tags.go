package membership

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tagBytes is what memberlist carries with a member in every alive message:
// one UDP packet must hold it (memberlist.MetaMaxSize).
const tagBytes = 512

// Tags is what a node tells everybody about itself. Encoded they may take 512
// bytes; one letter stands for each field on the wire.
type Tags struct {
	Name          string    // n: for people
	Roles         []string  // r: served now. A promise: set last at start, withdrawn first at stop
	Standby       []string  // y: roles taken over when nobody serves them
	HTTP, Cluster string    // h, c: host:port; an unspecified host means "where my gossip comes from"
	Version       string    // v: of the program
	Commands      int       // k: highest grading command version
	Started       time.Time // s: set by the agent after joining; see Agent.Run
	Zone          string    // z
	Gradebook     string    // g: id of the gradebook held
	Fingerprint   string    // f: of the newest secret known
	Voting        bool      // x: offers itself to raft
}

// encode renders the tags for gossip sent from the given host. It fails when
// they do not fit, naming the field that takes the most room.
func (t Tags) encode(host string) (map[string]string, error) {
	m := map[string]string{}
	put := func(k, v string) {
		if v != "" {
			m[k] = v
		}
	}
	put("n", t.Name)
	put("r", strings.Join(t.Roles, ","))
	put("y", strings.Join(t.Standby, ","))
	put("h", shortAddr(t.HTTP, host))
	put("c", shortAddr(t.Cluster, host))
	put("v", t.Version)
	put("z", t.Zone)
	put("g", t.Gradebook)
	put("f", t.Fingerprint)
	if t.Commands != 0 {
		put("k", strconv.Itoa(t.Commands))
	}
	if !t.Started.IsZero() {
		put("s", strconv.FormatInt(t.Started.UnixMilli(), 36))
	}
	if t.Voting {
		put("x", "1")
	}
	if n := encodedLen(m); n > tagBytes {
		key, value := longest(m)
		return nil, fmt.Errorf("membership: tags take %d bytes encoded, at most %d can be gossiped: %s is %d bytes long, shorten it",
			n, tagBytes, fieldNames[key], len(value))
	}
	return m, nil
}

var fieldNames = map[string]string{
	"n": "Name", "r": "Roles", "y": "Standby", "h": "HTTP", "c": "Cluster", "v": "Version",
	"k": "Commands", "s": "Started", "z": "Zone", "g": "Gradebook", "f": "Fingerprint", "x": "Voting",
}

// decode fills a member from tags. It never fails: a member of a newer or
// older version may carry more or fewer, and is still a member.
func decode(m *Member, tags map[string]string) {
	host, _, _ := net.SplitHostPort(m.Gossip)
	m.Name = cmp.Or(tags["n"], m.ID)
	m.Roles = split(tags["r"])
	m.Standby = split(tags["y"])
	m.HTTP = longAddr(tags["h"], host)
	m.Cluster = longAddr(tags["c"], host)
	m.Version = tags["v"]
	m.Commands, _ = strconv.Atoi(tags["k"])
	if ms, err := strconv.ParseInt(tags["s"], 36, 64); err == nil && ms > 0 {
		m.Started = time.UnixMilli(ms).UTC()
	}
	m.Zone = tags["z"]
	m.Gradebook = tags["g"]
	m.Fingerprint = tags["f"]
	m.Voting = tags["x"] == "1"
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// shortAddr leaves the host away when the reader can put it back.
func shortAddr(addr, host string) string {
	h, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(h); h == "" || h == host || ip != nil && ip.IsUnspecified() {
		return ":" + port
	}
	return addr
}

func longAddr(addr, host string) string {
	if strings.HasPrefix(addr, ":") {
		return net.JoinHostPort(host, addr[1:])
	}
	return addr
}

// encodedLen is the length of serf's encoding: a magic byte, a msgpack map
// header, and for each string a header of 1 byte (below 32) or 3.
func encodedLen(m map[string]string) int {
	n := 2
	if len(m) > 15 {
		n += 2
	}
	for k, v := range m {
		for _, s := range []string{k, v} {
			n += len(s) + 1
			if len(s) > 31 {
				n += 2
			}
		}
	}
	return n
}

func longest(m map[string]string) (key, value string) {
	for k, v := range m {
		if len(v) > len(value) || len(v) == len(value) && k < key {
			key, value = k, v
		}
	}
	return key, value
}

// clone lets a caller change tags without touching the agent's own.
func (t Tags) clone() Tags {
	t.Roles, t.Standby = slices.Clone(t.Roles), slices.Clone(t.Standby)
	return t
}
