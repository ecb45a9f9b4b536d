package membership

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// skewWarn is how far ahead another node's clock may run before it is said.
	skewWarn = time.Second
	// skewEvery is how often it is said of one node.
	skewEvery = time.Minute
	// skewTrust is how far ahead a stamp may be and still be believed. Without
	// a limit one node with a wrong year would drag every clock with it.
	skewTrust = time.Hour
)

// Stamp is a moment of a hybrid logical clock. Stamps of one cluster are
// totally ordered, and a stamp made after another was seen is greater.
type Stamp struct {
	Wall  int64  // Unix milliseconds: the greatest wall clock seen
	Count uint32 // orders what happened within one millisecond
	Node  string // breaks ties
}

// Compare is -1, 0 or +1 as s is before, equal to or after o.
func (s Stamp) Compare(o Stamp) int {
	return cmp.Or(cmp.Compare(s.Wall, o.Wall), cmp.Compare(s.Count, o.Count), cmp.Compare(s.Node, o.Node))
}

// String is the text form, as sent in the Rollcall-Clock header:
// "1763825378123.4.9f2c01".
func (s Stamp) String() string {
	return strconv.FormatInt(s.Wall, 10) + "." + strconv.FormatUint(uint64(s.Count), 10) + "." + s.Node
}

// MarshalText and UnmarshalText let a stamp stand in JSON.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Stamp) UnmarshalText(b []byte) (err error) {
	*s, err = ParseStamp(string(b))
	return err
}

// ParseStamp reads the text form.
func ParseStamp(text string) (Stamp, error) {
	wall, rest, ok1 := strings.Cut(text, ".")
	count, node, ok2 := strings.Cut(rest, ".")
	w, err1 := strconv.ParseInt(wall, 10, 64)
	c, err2 := strconv.ParseUint(count, 10, 32)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || w < 0 {
		return Stamp{}, fmt.Errorf("membership: clock %.64q: want milliseconds.count.node", text)
	}
	return Stamp{Wall: w, Count: uint32(c), Node: node}, nil
}

// Clock is a hybrid logical clock (Kulkarni, Demirbas and others 2014): it
// follows the wall clock when that runs well, and never runs backwards or
// behind a stamp it has seen when it does not. All methods may be called at
// once.
type Clock struct {
	node string
	now  func() time.Time

	mu     sync.Mutex
	last   Stamp                                  // guarded by mu
	onSkew func(node string, ahead time.Duration) // guarded by mu
	warned map[string]time.Time                   // guarded by mu: node → when last said
}

// NewClock returns the clock of the node with this id.
func NewClock(node string) *Clock {
	return &Clock{node: node, now: time.Now, warned: map[string]time.Time{}}
}

// OnSkew has f called, at most once a minute for each node, when a stamp of
// that node runs more than one second ahead of this node's wall clock. Which
// of the two is wrong can't be told from here. f must not block.
func (c *Clock) OnSkew(f func(node string, ahead time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onSkew = f
}

// Now returns a stamp greater than any this clock gave or merged before.
func (c *Clock) Now() Stamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch wall := c.now().UnixMilli(); {
	case wall > c.last.Wall:
		c.last = Stamp{Wall: wall}
	case c.last.Count == 1<<32-1:
		c.last = Stamp{Wall: c.last.Wall + 1}
	default:
		c.last.Count++
	}
	c.last.Node = c.node
	return c.last
}

// Merge takes note of a stamp that came from elsewhere: what Now returns next
// is greater. A stamp more than an hour ahead is not believed, only reported.
func (c *Clock) Merge(s Stamp) {
	c.mu.Lock()
	now := c.now()
	ahead := time.UnixMilli(s.Wall).Sub(now)
	if ahead <= skewTrust && (s.Wall > c.last.Wall || s.Wall == c.last.Wall && s.Count > c.last.Count) {
		c.last.Wall, c.last.Count = s.Wall, s.Count
	}
	say := c.onSkew
	if ahead <= skewWarn || say == nil || now.Sub(c.warned[s.Node]) < skewEvery {
		say = nil
	} else {
		if len(c.warned) > timelineLen { // node ids come from outside: keep no endless list
			clear(c.warned)
		}
		c.warned[s.Node] = now
	}
	c.mu.Unlock()
	if say != nil {
		say(s.Node, ahead)
	}
}
