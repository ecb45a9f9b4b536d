package logs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/membership"
)

// gaps names what was not read, and the producers that may have more.
func (f *finder) gaps() []Gap {
	s := f.service
	gaps := []Gap{}
	names := map[string]string{}
	for _, m := range s.cfg.Members() {
		names[m.ID] = m.Name
	}
	manifests, heard := s.know.producers()
	lost := map[stream]spans{}
	for _, m := range manifests {
		for _, e := range m.Epochs {
			lost[stream{m.Producer, e.Epoch}] = e.Lost
		}
	}
	for _, st := range slices.SortedFunc(maps.Keys(f.left), compareStreams) {
		rest := f.left[st]
		add := func(part spans, reason string) {
			for _, sp := range part {
				gaps = append(gaps, Gap{st.Producer, st.Epoch, sp.From, sp.To, reason})
			}
			rest = rest.without(part)
		}
		for _, node := range slices.Sorted(maps.Keys(f.view)) {
			part := rest.both(f.view[node][st].set())
			if slices.Contains(f.live, node) {
				add(part, fmt.Sprintf("log node %s has it and could not read it", named(names, node)))
			} else {
				add(part, fmt.Sprintf("held by %s, which cannot be reached", f.holders(names, st, part)))
			}
		}
		add(rest.both(lost[st]), "damaged on its producer's disk before it was shipped")
		add(rest, fmt.Sprintf("cut by %s; no log node that can be reached has it", named(names, st.Producer)))
	}
	for _, m := range s.cfg.Members() {
		if m.Status == membership.StatusAlive && !slices.ContainsFunc(manifests, func(o manifest) bool { return o.Producer == m.ID }) {
			gaps = append(gaps, Gap{Producer: m.ID, From: 1, Reason: m.Name + " was not heard of yet; it may have records that are not shipped"})
		}
	}
	settled := time.Since(s.started) > settleFor
	for _, m := range manifests {
		if _, member := names[m.Producer]; !member && settled {
			continue // reaped, or wiped and back under a new id: it has nothing more to say
		}
		if age := time.Since(heard[m.Producer]); !m.over() && age > heardWithin {
			last := epochState{}
			if n := len(m.Epochs); n > 0 {
				last = *m.Epochs[n-1]
			}
			reason := fmt.Sprintf("%s was last heard of %s ago; it may have records that are not shipped", named(names, m.Producer), age.Round(time.Second))
			if heard[m.Producer].IsZero() {
				reason = named(names, m.Producer) + " was not heard of since this log node started; it may have records that are not shipped"
			}
			gaps = append(gaps, Gap{Producer: m.Producer, Epoch: last.Epoch, From: last.Cut + 1, Reason: reason})
		}
	}
	return gaps
}

// holders lists the nodes that are known to hold any of part.
func (f *finder) holders(names map[string]string, st stream, part spans) string {
	var out []string
	for node, inventories := range f.view {
		if len(part.both(inventories[st].set())) > 0 {
			out = append(out, named(names, node))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " and ")
}

// named is what people call a node.
func named(names map[string]string, id string) string { return cmp.Or(names[id], id) }
