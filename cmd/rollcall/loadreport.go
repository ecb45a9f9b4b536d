package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Report is what load found. Durations are in milliseconds.
type Report struct {
	Nodes   int     `json:"nodes"`
	Writers int     `json:"writers"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"rate"` // acknowledged writes a second
	P50     float64 `json:"p50Ms"`
	P99     float64 `json:"p99Ms"`
	Slowest float64 `json:"slowestMs"`
	Story   []Story `json:"story"`
	Tally
}

// Story is what followed one moment.
type Story struct {
	What   string    `json:"what"`
	At     time.Time `json:"at"`
	Phases []Phase   `json:"phases"`
}

// Phase is one thing that happened, so many milliseconds after the moment.
type Phase struct {
	Ms   float64 `json:"ms"`
	What string  `json:"what"`
}

// report makes the report of all that was recorded, but for the tally.
func (r *record) report(nodes, writers int) *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := &Report{Nodes: nodes, Writers: writers, Seconds: r.ended.Sub(r.begin).Seconds()}
	if took := r.latencies(); len(took) > 0 {
		rep.Rate = float64(len(took)) / rep.Seconds
		rep.P50, rep.P99, rep.Slowest = ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1])
	}
	for i, m := range r.moments {
		until := r.ended
		if i+1 < len(r.moments) {
			until = r.moments[i+1].at
		}
		rep.Story = append(rep.Story, Story{m.what, m.at, r.phases(m.at, until)})
	}
	return rep
}

// phases tells, in order of time, how the writes paused after from and went on
// again, and what the nodes said meanwhile.
func (r *record) phases(from, until time.Time) []Phase {
	var out []Phase
	add := func(at time.Time, format string, a ...any) {
		out = append(out, Phase{ms(at.Sub(from)), fmt.Sprintf(format, a...)})
	}
	pauses := r.pauses(from, until)
	for i, p := range pauses {
		add(p.stop, "last write acknowledged before a pause")
		add(p.resume, "next write acknowledged: writes paused for %.0f ms", ms(p.resume.Sub(p.stop)))
		if i < len(pauses)-1 {
			continue
		}
		if all, ok := r.everyone(p.resume, until); ok && all.After(p.resume) {
			add(all, "every writer has had an answer again")
		}
	}
	for _, f := range r.facts(from, until) {
		add(f.first, "%s", f.text())
		if f.last.After(f.first) {
			out[len(out)-1].What += fmt.Sprintf(" (seen by %d nodes, the last at %.0f ms)", len(f.tellers), ms(f.last.Sub(from)))
		}
	}
	slices.SortStableFunc(out, func(a, b Phase) int { return cmp.Compare(a.Ms, b.Ms) })
	return out
}

// pause is a time without an acknowledgement, between two that came.
type pause struct{ stop, resume time.Time }

func (p pause) length() time.Duration { return p.resume.Sub(p.stop) }

// noticed is the pause that a person at a keyboard would notice.
const noticed = 200 * time.Millisecond

// pauses finds the times without an acknowledgement that end after from: those
// that somebody would notice, or else only the longest.
func (r *record) pauses(from, until time.Time) []pause {
	var all []pause
	var longest pause
	for i := 1; i < len(r.acks); i++ {
		p := pause{r.acks[i-1].at, r.acks[i].at}
		if !p.resume.After(from) || !p.stop.Before(until) {
			continue
		}
		if p.length() >= noticed {
			all = append(all, p)
		}
		if p.length() > longest.length() {
			longest = p
		}
	}
	if all == nil && longest.length() > 0 {
		all = append(all, longest)
	}
	return all
}

// everyone returns when the last writer was acknowledged for the first time
// since from.
func (r *record) everyone(from, until time.Time) (at time.Time, ok bool) {
	want, have := map[int]bool{}, map[int]bool{}
	for _, a := range r.acks {
		want[a.writer] = true
		if !a.at.Before(from) && !a.at.After(until) && !have[a.writer] {
			have[a.writer], at = true, a.at
		}
	}
	return at, len(want) == len(have)
}

func ms(d time.Duration) float64 { return math.Round(float64(d.Microseconds())/100) / 10 }

// print writes the report for people.
func (p *Report) print(w io.Writer) error {
	fmt.Fprintf(w, "%d writers on %d nodes for %.1f s: %.0f writes a second, half within %.1f ms, 99 of 100 within %.1f ms, the slowest %.0f ms\n",
		p.Writers, p.Nodes, p.Seconds, p.Rate, p.P50, p.P99, p.Slowest)
	for _, s := range p.Story {
		fmt.Fprintf(w, "\n%8s ms  %s\n", "0", plain(s.What))
		for _, ph := range s.Phases {
			fmt.Fprintf(w, "%8.0f ms  %s\n", ph.Ms, plain(ph.What))
		}
	}
	_, err := fmt.Fprintf(w, "\nacknowledged %d, lost %d, doubled %d\n", p.Acknowledged, p.Lost, p.Doubled)
	return err
}

// verdict is nil when every promise was kept.
func (p *Report) verdict() error {
	switch {
	case p.Acknowledged == 0:
		return fmt.Errorf("no write was acknowledged")
	case p.Lost+p.Doubled+p.Reordered+p.Stale > 0:
		return fmt.Errorf("a promise was broken: of %d acknowledged writes %d are lost; %d are doubled, %d out of order; %d cells hold another value than their history",
			p.Acknowledged, p.Lost, p.Doubled, p.Reordered, p.Stale)
	}
	return nil
}
