package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Tally is the count that matters.
type Tally struct {
	Acknowledged int `json:"acknowledged"` // writes that were answered with success
	Lost         int `json:"lost"`         // of those, the ones the history does not have
	Doubled      int `json:"doubled"`      // writes the history has more than once
	Reordered    int `json:"reordered"`    // writes that come in the history before an earlier one of the same cell
	Stale        int `json:"stale"`        // cells that do not hold what their history says last
}

// readBack reads the run's part of the course's history, oldest first, and the
// comment that each student's cell holds now.
func readBack(ctx context.Context, client *grading.Client, f *field, run string, since time.Time) ([]gradebook.Event, map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	var events []gradebook.Event
	// The leader's clock dates the events, and may be behind this one's.
	filter := grading.HistoryFilter{Assignment: f.assignment, From: since.Add(-time.Minute), Limit: 1000}
	for {
		page, err := client.History(ctx, f.course, filter)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range page.Events {
			if e.After != nil && strings.HasPrefix(e.After.Comment, "load-"+run+"-") {
				events = append(events, e)
			}
		}
		if filter.Before = page.Next; page.Next == "" {
			break
		}
	}
	slices.Reverse(events)
	book, err := client.Gradebook(ctx, f.course, "")
	if err != nil {
		return nil, nil, err
	}
	cells := map[string]string{}
	for _, r := range book.Rows {
		cells[r.Student.ID] = r.Scores[f.assignment].Comment
	}
	return events, cells, nil
}

// tally compares what was acknowledged with the history, oldest first, and
// with what the cells hold. It is pure, so that a test can plant every crime.
func tally(acknowledged []string, events []gradebook.Event, cells map[string]string) Tally {
	t := Tally{Acknowledged: len(acknowledged)}
	times, last := map[string]int{}, map[string]string{}
	for _, e := range events {
		name := e.After.Comment
		if times[name]++; times[name] > 1 {
			t.Doubled++
		} else if name < last[e.Student] { // names of one cell ascend
			t.Reordered++
		}
		last[e.Student] = name
	}
	for _, name := range acknowledged {
		if times[name] == 0 {
			t.Lost++
		}
	}
	for student, name := range last {
		if cells[student] != name {
			t.Stale++
		}
	}
	return t
}
