package logs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// manifest is what a producer says of its own batches: how far it has cut,
// what R log nodes have, what its disk lost. It travels with every call to a
// log node, at least every two seconds, and log nodes pass it on among
// themselves. Without it nobody could tell a quiet producer from one whose
// last batches are missing.
type manifest struct {
	Producer string        `json:"producer"`
	Epochs   []*epochState `json:"epochs"`
}

// stream names one epoch of one producer.
type stream struct {
	Producer string `json:"producer"`
	Epoch    uint64 `json:"epoch"`
}

func (id BatchID) stream() stream { return stream{id.Producer, id.Epoch} }

func compareStreams(a, b stream) int {
	return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Epoch, b.Epoch))
}

var errManifest = errors.New("manifest cannot be")

// check refuses what no producer says.
func (m manifest) check() error {
	if m.Producer == "" || len(m.Producer) > maxProducer {
		return fmt.Errorf("%w: producer %q", errManifest, m.Producer)
	}
	for _, e := range m.Epochs {
		if e == nil || e.Epoch == 0 || e.Stored > e.Cut || e.Released > e.Stored {
			return fmt.Errorf("%w: %s: an epoch's cursors are out of order", errManifest, m.Producer)
		}
	}
	return nil
}

// merge takes in another word on the same producer. Counters only grow and an
// end is an end, so the order and the number of times do not matter: merge is
// idempotent, commutative and associative.
func (m manifest) merge(o manifest) manifest {
	out := manifest{Producer: m.Producer}
	byEpoch := map[uint64]*epochState{}
	for _, e := range slices.Concat(m.Epochs, o.Epochs) {
		have := byEpoch[e.Epoch]
		if have == nil {
			c := *e
			c.Lost = makeSpans(e.Lost...)
			byEpoch[e.Epoch] = &c
			out.Epochs = append(out.Epochs, &c)
			continue
		}
		if e.Released > have.Released || e.Released == have.Released && len(e.Placed) > len(have.Placed) {
			have.Placed = e.Placed
		}
		have.Cut = max(have.Cut, e.Cut)
		have.Stored = max(have.Stored, e.Stored)
		have.Released = max(have.Released, e.Released)
		have.Lost = have.Lost.union(e.Lost)
		have.Closed = have.Closed || e.Closed
	}
	slices.SortFunc(out.Epochs, func(a, b *epochState) int { return cmp.Compare(a.Epoch, b.Epoch) })
	return out
}

// over reports whether the producer has said that it cuts no more.
func (m manifest) over() bool {
	return len(m.Epochs) > 0 && m.Epochs[len(m.Epochs)-1].Closed
}
