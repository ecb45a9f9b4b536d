package logs

import (
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// heardWithin is how old the last word of a producer may be for an answer to
// count as complete.
const heardWithin = 5 * time.Second

// generations numbers the changes of what a log node knows, so that peers ask
// only for what is new to them.
type generations struct{ n atomic.Uint64 }

func (g *generations) next() uint64 { return g.n.Add(1) }
func (g *generations) now() uint64  { return g.n.Load() }

// bulletin is what a log node tells a peer that asks: what it holds and what
// it has heard of producers, as far as it changed since the generation that
// the peer knows.
type bulletin struct {
	Instance   string           `json:"instance"` // made at each start: another one means that all is told anew
	Generation uint64           `json:"generation"`
	Full       bool             `json:"full,omitempty"` // not only what is new
	Held       []holding        `json:"held,omitempty"`
	Dropped    []floor          `json:"dropped,omitempty"` // always all
	Manifests  []manifest       `json:"manifests,omitempty"`
	HeardMs    map[string]int64 `json:"heardMs,omitempty"` // by producer: age of its last word
}

type holding struct {
	stream
	Spans inventory `json:"spans"`
}

// knowledge is what a log node knows of producers and of its peers. A peer that
// died stays known: what only it held is missing, not forgotten.
type knowledge struct {
	gen *generations

	mu        sync.Mutex // guards all below
	instance  string     // another one tells peers to forget what they knew
	manifests map[string]manifest
	heard     map[string]time.Time
	changed   map[stream]uint64 // generation in which a manifest's epoch last changed
	peers     map[string]*peerView
}

// peerView is a peer's last bulletins, put together.
type peerView struct {
	instance   string
	generation uint64
	at         time.Time
	held       map[stream]inventory
	floors     map[stream]uint64
}

func newKnowledge(gen *generations) *knowledge {
	return &knowledge{
		gen: gen, instance: rand.Text(), manifests: map[string]manifest{}, heard: map[string]time.Time{},
		changed: map[stream]uint64{}, peers: map[string]*peerView{},
	}
}

// hear takes in a producer's word that is age old.
func (k *knowledge) hear(m manifest, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.learn(m)
	if at := time.Now().Add(-age); at.After(k.heard[m.Producer]) {
		k.heard[m.Producer] = at
	}
}

// learn merges a manifest and marks the epochs that changed. Callers hold mu.
func (k *knowledge) learn(m manifest) {
	before := map[uint64]epochState{}
	for _, e := range k.manifests[m.Producer].Epochs {
		before[e.Epoch] = *e
	}
	merged := manifest{Producer: m.Producer, Epochs: k.manifests[m.Producer].Epochs}.merge(m)
	for _, e := range merged.Epochs {
		old, known := before[e.Epoch]
		if !known || old.Cut != e.Cut || old.Stored != e.Stored || old.Released != e.Released || old.Closed != e.Closed || old.Lost.count() != e.Lost.count() {
			k.changed[stream{m.Producer, e.Epoch}] = k.gen.next()
		}
	}
	k.manifests[m.Producer] = merged
}

// tell writes a bulletin for a peer that knows generation after of instance.
func (k *knowledge) tell(s *store, instance string, after uint64) bulletin {
	k.mu.Lock()
	b := bulletin{Instance: k.instance, Generation: k.gen.now(), HeardMs: map[string]int64{}}
	k.mu.Unlock()
	if instance != b.Instance {
		after, b.Full = 0, true
	}
	b.Held, b.Dropped = s.since(after)
	k.mu.Lock()
	defer k.mu.Unlock()
	for producer, m := range k.manifests {
		part := manifest{Producer: producer}
		for _, e := range m.Epochs {
			if k.changed[stream{producer, e.Epoch}] > after {
				part.Epochs = append(part.Epochs, e) // never changed once merged
			}
		}
		if len(part.Epochs) > 0 {
			b.Manifests = append(b.Manifests, part)
		}
		if at, ok := k.heard[producer]; ok {
			b.HeardMs[producer] = time.Since(at).Milliseconds()
		}
	}
	return b
}

// restart makes peers ask for everything anew: something held is held no more.
func (k *knowledge) restart() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.instance = rand.Text()
}

// since lists what the store holds that changed after a generation, and what it
// dropped.
func (s *store) since(after uint64) ([]holding, []floor) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []holding
	for st, k := range s.streams {
		var part inventory
		for _, h := range k.inventory {
			if h.Gen > after {
				part = append(part, h)
			}
		}
		if len(part) > 0 {
			out = append(out, holding{st, part})
		}
	}
	return out, s.dropped()
}

// known is what to ask a peer for: changes after this.
func (k *knowledge) known(peer string) (instance string, generation uint64, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.peers[peer]; v != nil {
		return v.instance, v.generation, v.at
	}
	return "", 0, time.Time{}
}

// listen takes in a peer's bulletin.
func (k *knowledge) listen(peer string, b bulletin) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := k.peers[peer]
	if v == nil || b.Full {
		v = &peerView{held: map[stream]inventory{}}
		k.peers[peer] = v
	}
	v.instance, v.at = b.Instance, time.Now()
	v.generation = max(v.generation, b.Generation)
	for _, h := range b.Held {
		inv := slices.Clone(v.held[h.stream]) // queries may be reading the old one
		for _, s := range h.Spans {
			inv = inv.add(s)
		}
		v.held[h.stream] = inv
	}
	v.floors = map[stream]uint64{}
	for _, f := range b.Dropped {
		v.floors[f.stream] = f.UpTo
	}
	for _, m := range b.Manifests {
		if m.check() == nil {
			k.learn(m)
		}
	}
	for producer, ms := range b.HeardMs {
		if at := time.Now().Add(-time.Duration(ms) * time.Millisecond); at.After(k.heard[producer]) {
			k.heard[producer] = at
		}
	}
}

// inventories is what each node is known to hold, by node and stream.
func (k *knowledge) inventories() map[string]map[stream]inventory {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := map[string]map[stream]inventory{}
	for peer, v := range k.peers {
		out[peer] = maps.Clone(v.held)
	}
	return out
}

// floors is up to where each stream was dropped on purpose by any node.
func (k *knowledge) floors(own []floor) map[stream]uint64 {
	out := map[stream]uint64{}
	for _, f := range own {
		out[f.stream] = f.UpTo
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.peers {
		for st, n := range v.floors {
			out[st] = max(out[st], n)
		}
	}
	return out
}

// producers lists all manifests, sorted, and when each producer was heard.
func (k *knowledge) producers() ([]manifest, map[string]time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []manifest
	for _, p := range slices.Sorted(maps.Keys(k.manifests)) {
		out = append(out, k.manifests[p])
	}
	return out, maps.Clone(k.heard)
}

// held lists what the store has, by stream, and what it dropped.
func (s *store) held() (map[stream]inventory, []floor) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make(map[stream]inventory, len(s.streams))
	for st, k := range s.streams {
		out[st] = slices.Clone(k.inventory)
	}
	return out, s.dropped()
}
