package main

import (
	"slices"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/services/registry"
)

// fact is one thing that happened to the cluster. Every node has a timeline of
// its own and tells it in its own words and time, so one fact is told often.
type fact struct {
	event       registry.Event
	tellers     []string // ids of the nodes whose timelines have it
	first, last time.Time
}

// text is the fact without its tellers.
func (f *fact) text() string {
	what := f.event.Kind
	if !ofEverybody(f.event.Kind) && f.event.Name != "" {
		what = f.event.Name + " " + what
	}
	if f.event.Detail != "" {
		what += ": " + f.event.Detail
	}
	return what
}

// ofEverybody reports whether an event is about the cluster, though each node
// tells it of itself: that it follows a new leader, say.
func ofEverybody(kind string) bool { return strings.HasPrefix(kind, "grading.") }

// facts gathers what the nodes told between two moments, in the order in which
// it was first heard. The same word of the same node counts once, however
// many streams carried it here.
func (r *record) facts(from, until time.Time) []*fact {
	var all []*fact
	byText := map[string]*fact{}
	for _, t := range r.told {
		if t.at.Before(from) || t.at.After(until) {
			continue
		}
		f := &fact{event: t.event, first: t.at, last: t.at}
		key := f.text()
		if !ofEverybody(t.event.Kind) {
			key += t.event.Member
		}
		if known := byText[key]; known != nil {
			f = known
		} else {
			byText[key] = f
			all = append(all, f)
		}
		teller, _, _ := strings.Cut(t.event.ID, ":")
		if !slices.Contains(f.tellers, teller) {
			f.tellers, f.last = append(f.tellers, teller), t.at
		}
	}
	return all
}
