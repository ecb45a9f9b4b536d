package node

import (
	"slices"
	"sync"

	"github.com/distributedgo/rollcall/membership"
)

// The roles a node can serve. Their names are the hosts of URLs between nodes
// and the words of the role tag.
const (
	roleRegistry = "registry"
	roleLog      = "log"
	roleGrading  = "grading"
	rolePortal   = "portal"
)

var allRoles = []string{roleRegistry, roleLog, roleGrading, rolePortal}

// promises keeps the role tags: a role stands there from when it can answer
// until the node begins to stop, and never in between. All methods may be
// called at once.
type promises struct {
	agent interface {
		Update(change func(*membership.Tags)) error
		Self() membership.Member
	}

	mu        sync.Mutex
	withdrawn bool // guarded by mu: the node is stopping, nothing is promised again
}

// set promises the role, or takes it back, and changes other tags with it.
func (p *promises) set(role string, serve bool, also ...func(*membership.Tags)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.withdrawn {
		return nil
	}
	return p.agent.Update(func(t *membership.Tags) {
		for _, change := range also {
			change(t)
		}
		at := slices.Index(t.Roles, role)
		switch {
		case serve && at < 0:
			t.Roles = append(t.Roles, role)
			slices.Sort(t.Roles)
		case !serve && at >= 0:
			t.Roles = slices.Delete(t.Roles, at, at+1)
		}
	})
}

// withdraw makes every later set a no-op.
func (p *promises) withdraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.withdrawn = true
}

// answers reports whether a call for the role is answered here. A copy of the
// gradebook that can't be written leaves it to another node's, if there is one.
func (n *Node) answers(role string) bool {
	if !n.promises.serves(role) || role != roleGrading || n.grading.Fault() == nil {
		return n.promises.serves(role)
	}
	return !slices.ContainsFunc(n.agent.Members(), func(m membership.Member) bool {
		return m.ID != n.dir.id && m.Status == membership.StatusAlive && m.Serves(role)
	})
}

// serves reports whether this node promises the role now.
func (p *promises) serves(role string) bool { return p.agent.Self().Serves(role) }
