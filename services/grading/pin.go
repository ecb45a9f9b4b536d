package grading

import (
	"errors"
	"fmt"
	"sync"

	boltdb "github.com/hashicorp/raft-boltdb/v2"
)

// keyGradebook is where the store notes which gradebook it is for.
var keyGradebook = []byte("rollcall gradebook id")

// errOtherGradebook is for who comes from another gradebook.
var errOtherGradebook = errors.New("of another gradebook")

// pin is the one gradebook that a store is for. It is noted, before the first
// entry, by the node that founds and by the node that joins, and never
// changes: what is in the log below depends on it.
type pin struct {
	bolt *boltdb.BoltStore
	mu   sync.Mutex
	id   string
}

// newPin reads the note.
func newPin(bolt *boltdb.BoltStore) (*pin, error) {
	b, err := bolt.Get(keyGradebook)
	if err != nil && !errors.Is(err, boltdb.ErrKeyNotFound) {
		return nil, fmt.Errorf("grading: gradebook of the store: %w", err)
	}
	return &pin{bolt: bolt, id: string(b)}, nil
}

// gradebook returns the id, empty for none yet.
func (p *pin) gradebook() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

// take notes id, or, when one is noted, checks that it is the same. An empty
// id, of a founder that has not committed its first command, changes nothing.
func (p *pin) take(id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.id == id:
		return nil
	case id == "":
		return fmt.Errorf("%w: it has none", errOtherGradebook)
	case p.id != "":
		return fmt.Errorf("%w: it holds %s, the store here is of %s", errOtherGradebook, id, p.id)
	}
	if err := p.bolt.Set(keyGradebook, []byte(id)); err != nil {
		return fmt.Errorf("grading: note the gradebook: %w", err)
	}
	p.id = id
	return nil
}
