package node

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"sync"

	"github.com/distributedgo/rollcall/membership"
	"github.com/distributedgo/rollcall/node/secret"
)

// dialer connects to the cluster port of exactly the node that is wanted: it
// finds the address by id, and the other side must prove that id. It is what
// raft, peer.Transport and everything above them stand on.
type dialer struct {
	id     *secret.Identity
	faults *membership.Faults
	find   func(id string) (membership.Member, bool)
	book   *addressBook
}

// http connects for calls of the API between nodes.
func (d *dialer) http(ctx context.Context, id string) (net.Conn, error) {
	return d.dial(ctx, id, protoHTTP)
}

// raft connects for raft's own protocol.
func (d *dialer) raft(ctx context.Context, id string) (net.Conn, error) {
	return d.dial(ctx, id, protoRaft)
}

var errCut = errors.New("the link is cut on purpose (lab)")

func (d *dialer) dial(ctx context.Context, id, proto string) (net.Conn, error) {
	if d.faults.Blocked(id) {
		return nil, fmt.Errorf("dial node %s: %w", id, errCut)
	}
	addr := d.book.addr(id)
	if m, ok := d.find(id); ok && m.Cluster != "" {
		addr = m.Cluster
	}
	if addr == "" {
		return nil, fmt.Errorf("dial node %s: nobody has told its address yet", id)
	}
	c, err := (&tls.Dialer{Config: d.id.Client(id, proto)}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("dial node %s: %w", id, err)
	}
	return d.faults.Guard(id, c), nil
}

// addressBook remembers on disk where nodes were last seen, so that raft finds
// its voters after a restart even before gossip has found anyone.
type addressBook struct {
	path string

	mu    sync.Mutex
	addrs map[string]string // guarded by mu: node id → cluster address
}

// openAddressBook reads the book at path; a missing one is empty.
func openAddressBook(path string) (*addressBook, error) {
	b := &addressBook{path: path, addrs: map[string]string{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("peers file: %w", err)
	}
	if err := json.Unmarshal(text, &b.addrs); err != nil {
		return nil, fmt.Errorf("peers file %s: %w: remove it, it is filled again from gossip", path, err)
	}
	return b, nil
}

func (b *addressBook) addr(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addrs[id]
}

// note writes down where the members are, when that is news. Who left in good
// order or was forgotten by gossip stays in the book: a voter may come back.
func (b *addressBook) note(members []membership.Member) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := maps.Clone(b.addrs)
	for _, m := range members {
		if m.Cluster != "" {
			next[m.ID] = m.Cluster
		}
	}
	if maps.Equal(next, b.addrs) {
		return nil
	}
	text, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(b.path, string(text)+"\n"); err != nil {
		return fmt.Errorf("peers file: %w", err)
	}
	b.addrs = next
	return nil
}

// clock puts the node's hybrid logical clock on calls, as text.
type clock struct{ *membership.Clock }

func (c clock) Tick() string { return c.Now().String() }

func (c clock) Observe(text string) {
	if s, err := membership.ParseStamp(text); err == nil { // a caller without a clock is no fault
		c.Merge(s)
	}
}
