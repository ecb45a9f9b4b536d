package portal

import (
	"fmt"
	"math"
	"strings"

	"github.com/distributedgo/rollcall/services/registry"
)

// ring is the cluster as a drawing: nodes on a circle, a line from the
// gradebook's leader to every other copy, dashed where the copy lags, and a
// dotted line where a call between two nodes fails. The table beside it says
// the same in words. Numbers are units of the SVG's own space.
type ring struct {
	Width, Height, CX, CY, R int
	Words                    string // the drawing, for those who listen
	Leader                   string
	Copies, Cuts             []line
	Nodes                    []ringNode
}

type line struct {
	X1, Y1, X2, Y2 int
	Lags           bool
}

type ringNode struct {
	ID, Name         string
	State            nodeState
	X, Y, Size       int
	GlyphY           int
	LX, LY           int
	Anchor           string // where the label begins: start, middle, end
	RoleWords, Marks string
}

const (
	ringSize   = 26  // radius of a node
	ringLabel  = 268 // room beside the circle for the labels
	ringMargin = 80  // room above and below
)

// drawRing places the nodes clockwise from the top, by name.
func drawRing(view registry.Cluster, nodes []nodeLine, leader string) ring {
	r := ring{Leader: leader, R: max(150, 15*len(nodes))}
	r.Width, r.Height = 2*(r.R+ringLabel), 2*(r.R+ringMargin)
	r.CX, r.CY = r.Width/2, r.Height/2
	at := map[string]ringNode{}
	var said []string
	for i, n := range nodes {
		a := 2*math.Pi*float64(i)/float64(len(nodes)) - math.Pi/2
		node := placeNode(n, a, r)
		at[n.ID] = node
		r.Nodes = append(r.Nodes, node)
		said = append(said, fmt.Sprintf("%s %s", n.Name, n.State.Word))
	}
	r.Words = fmt.Sprintf("Ring of %d nodes: %s.", len(nodes), strings.Join(said, ", "))
	if leader != "" {
		r.Words += " The gradebook's leader is " + leader + "."
	}
	r.Copies, r.Cuts = linesBetween(view, nodes, at)
	return r
}

func placeNode(n nodeLine, angle float64, r ring) ringNode {
	cos, sin := math.Cos(angle), math.Sin(angle)
	node := ringNode{
		ID: n.ID, Name: clip(n.Name, 16), State: n.State, Size: ringSize,
		X: r.CX + round(float64(r.R)*cos), Y: r.CY + round(float64(r.R)*sin),
	}
	node.GlyphY = node.Y + 8
	switch {
	case cos > 0.3:
		node.Anchor, node.LX, node.LY = "start", node.X+ringSize+12, node.Y
	case cos < -0.3:
		node.Anchor, node.LX, node.LY = "end", node.X-ringSize-12, node.Y
	case sin < 0:
		node.Anchor, node.LX, node.LY = "middle", node.X, node.Y-ringSize-26
	default:
		node.Anchor, node.LX, node.LY = "middle", node.X, node.Y+ringSize+22
	}
	var words, marks []string
	for _, role := range n.Roles {
		words = append(words, role.Glyph+" "+role.Word)
		if role.Mark != "" {
			marks = append(marks, role.Mark)
		}
	}
	node.RoleWords, node.Marks = strings.Join(words, "  "), strings.Join(marks, ", ")
	return node
}

// linesBetween draws the copies and the cuts, shortened to the nodes' edges.
func linesBetween(view registry.Cluster, nodes []nodeLine, at map[string]ringNode) (copies, cuts []line) {
	leader, led := ringNode{}, false
	if view.Grading != nil {
		leader, led = at[view.Grading.Leader]
	}
	for _, n := range nodes {
		if led && n.Grading != nil && n.ID != leader.ID && n.Status == "alive" {
			l := between(leader, at[n.ID])
			l.Lags = n.Grading.Lag > 0
			copies = append(copies, l)
		}
		for _, from := range n.UnreachableFrom {
			if other, ok := at[from]; ok && n.Status == "alive" {
				cuts = append(cuts, between(other, at[n.ID]))
			}
		}
	}
	return copies, cuts
}

func between(a, b ringNode) line {
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	long := math.Hypot(dx, dy)
	if long == 0 {
		return line{X1: a.X, Y1: a.Y, X2: b.X, Y2: b.Y}
	}
	ex, ey := round(dx/long*(ringSize+3)), round(dy/long*(ringSize+3))
	return line{X1: a.X + ex, Y1: a.Y + ey, X2: b.X - ex, Y2: b.Y - ey}
}

// clip shortens what does not fit to n characters; in the drawing that is a
// name, which the table beside it has whole.
func clip(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}

func round(f float64) int { return int(math.Round(f)) }
