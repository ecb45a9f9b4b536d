package logs

import (
	"cmp"
	"slices"

	"github.com/distributedgo/rollcall/membership"
)

// Role is the tag of members that store logs.
const Role = "log"

// bucketSize is how many batches in a row go to the same log nodes. It keeps
// lists of what a node holds short, and requests large.
const bucketSize = 1024

func bucket(seq uint64) uint64 { return seq / bucketSize }

// logNodes returns the ids of the members that promise to store logs now.
func logNodes(members []membership.Member) []string {
	var ids []string
	for _, m := range members {
		if m.Serves(Role) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// rank orders nodes for a batch, best first, by rendezvous hashing (Thaler and
// Ravishankar 1998): each node's place depends on itself and the batch only,
// so a node that goes or comes moves nobody else's batches. Nobody has to
// agree on anything but the list of nodes, and not even on that: a batch that
// two views send to different nodes is found all the same.
func rank(nodes []string, id BatchID) []string {
	type scored struct {
		node  string
		score uint64
	}
	all := make([]scored, len(nodes))
	for i, n := range nodes {
		all[i] = scored{n, score(n, id)}
	}
	slices.SortFunc(all, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.node, b.node))
	})
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = s.node
	}
	return out
}

// score is FNV-1a over the names, finished like splitmix64, since FNV mixes its
// last bytes too little. It must stay as it is: another score would place the
// rest of a half-shipped bucket elsewhere.
func score(node string, id BatchID) uint64 {
	x := uint64(0xcbf29ce484222325)
	for _, s := range [...]string{node, "\x00", id.Producer} {
		for i := range len(s) {
			x = (x ^ uint64(s[i])) * 0x100000001b3
		}
	}
	x ^= id.Epoch*0x9e3779b97f4a7c15 ^ bucket(id.Seq)*0xbf58476d1ce4e5b9
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
