package portal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/registry"
)

// glance is a look at the cluster that is at most a second old, shared by all
// pages of this node: a page that waits for nothing else must not wait for it.
type glance struct {
	mu   sync.Mutex // held while one page looks; the others wait for its answer
	at   time.Time
	view *registry.Cluster // nil when nobody answered
}

const (
	glanceAge      = time.Second
	glancePatience = 300 * time.Millisecond
)

func (s *Service) look(ctx context.Context) *registry.Cluster {
	g := &s.glance
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.at) < glanceAge {
		return g.view
	}
	// As a guest, whoever asks: the answer is shared with others.
	ctx, cancel := context.WithTimeout(identity.With(context.WithoutCancel(ctx), identity.Principal{Role: identity.Guest}), glancePatience)
	defer cancel()
	g.at, g.view = time.Now(), nil
	if view, err := s.cluster.Cluster(ctx); err == nil {
		g.view = &view
	}
	g.at = time.Now()
	return g.view
}

// standing says on grading pages how safe saving is right now; nothing when
// all copies are up, or when nobody knows.
func (s *Service) standing(ctx context.Context) []notice {
	view := s.look(ctx)
	if view == nil || view.Grading == nil {
		return nil
	}
	return copiesNotice(view)
}

func copiesNotice(view *registry.Cluster) []notice {
	all, up := len(view.Grading.Voters), 0
	for _, id := range view.Grading.Voters {
		if n, ok := view.NodeByID(id); ok && n.Status == "alive" {
			up++
		}
	}
	var n notice
	switch {
	case !view.Grading.Quorum && up > all/2:
		n = warn(fmt.Sprintf("%d of %d grading copies up and choosing a leader. What you type is kept here and saved in a moment.", up, all))
	case !view.Grading.Quorum:
		n = bad(fmt.Sprintf("%d of %d grading copies up: saving waits until %d are. What you type is kept in this page and saved then.", up, all, all/2+1))
	case up < all:
		n = warn(fmt.Sprintf("%d of %d grading copies up, saving works.", up, all))
	default:
		return nil
	}
	n.ID = "standing"
	return []notice{n}
}
