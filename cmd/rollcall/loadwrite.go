package main

import (
	"context"
	"fmt"
	"time"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// field is the ground that load works on: one column, and a student a writer.
type field struct {
	course, assignment string
	students           []string
}

// plough finds or makes the course, its assignment and enough students.
func plough(ctx context.Context, client *grading.Client, writers int) (*field, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all, err := client.Courses(ctx)
	if err != nil {
		return nil, err
	}
	f := &field{}
	for _, c := range all {
		if c.Code == loadCode {
			f.course = c.ID
		}
	}
	if f.course == "" {
		c, err := client.CreateCourse(ctx, grading.NewCourse{Title: "Load test", Code: loadCode})
		if err != nil {
			return nil, err
		}
		f.course = c.ID
	}
	if err := f.column(ctx, client); err != nil {
		return nil, err
	}
	return f, f.enrol(ctx, client, writers)
}

// enrol finds or makes a student a writer.
func (f *field) enrol(ctx context.Context, client *grading.Client, writers int) error {
	here, err := client.Students(ctx, f.course)
	if err != nil {
		return err
	}
	known := map[string]string{}
	for _, s := range here {
		known[s.Number] = s.ID
	}
	for w := range writers {
		number := fmt.Sprintf("%s-%03d", loadCode, w+1)
		id := known[number]
		if id == "" {
			s, err := client.AddStudent(ctx, f.course, grading.NewStudent{First: "Writer", Last: fmt.Sprintf("No. %03d", w+1), Number: number})
			if err != nil {
				return err
			}
			id = s.ID
		}
		f.students = append(f.students, id)
	}
	return nil
}

// column finds or makes the one assignment.
func (f *field) column(ctx context.Context, client *grading.Client) error {
	course, err := client.Course(ctx, f.course)
	if err != nil {
		return err
	}
	if len(course.Sections) == 0 {
		if _, err := client.AddSection(ctx, f.course, grading.NewSection{Name: "Load"}); err != nil {
			return err
		}
	}
	if len(course.Assignments) > 0 {
		f.assignment = course.Assignments[0].ID
		return nil
	}
	var category string
	if len(course.Categories) > 0 {
		category = course.Categories[0].ID
	} else {
		c, err := client.AddCategory(ctx, f.course, grading.NewCategory{Name: "Load"})
		if err != nil {
			return err
		}
		category = c.ID
	}
	a, err := client.AddAssignment(ctx, f.course, grading.NewAssignment{Title: "Load", Category: category, Possible: gradebook.Whole(1000)})
	f.assignment = a.ID
	return err
}

// writer writes into one cell, one value after the other, at a steady pace.
type writer struct {
	number int
	client *grading.Client
	field  *field
	rec    *record
	every  time.Duration // between the starts of two writes; 0: at once
}

// run writes until end. It returns an error only when a write was refused or
// found no node at all for longer than patience.
func (w *writer) run(ctx context.Context, end time.Time) error {
	next := time.Now().Add(w.every * time.Duration(w.number%8) / 8) // not all in the same instant
	for n := 0; ; n++ {
		if wait := time.Until(next); wait > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		}
		start := time.Now()
		if start.After(end) || ctx.Err() != nil {
			return nil
		}
		if next = next.Add(w.every); next.Before(start) {
			next = start // what a pause held up is not made up for
		}
		name := w.rec.name(w.number, n)
		points := gradebook.Whole(int64(n % 1001))
		one, cancel := context.WithTimeout(grading.WithKey(ctx, name), patience)
		_, err := w.client.SetScore(one, w.field.course, w.field.assignment, w.field.students[w.number],
			grading.ScoreEntry{Points: &points, Comment: &name}, nil)
		cancel()
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		w.rec.acked(ack{writer: w.number, number: n, start: start, at: time.Now()})
	}
}
