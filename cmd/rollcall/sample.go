package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sampleCommand writes a school that never was, to try everything with.
type sampleCommand struct {
	Dir  string `arg:"" default:"sample" type:"path" help:"Directory to write into; it is made if need be."`
	Seed uint64 `default:"1" help:"Another number gives another school; the same, the same."`
}

// Run writes two files a course: CODE.json, what the course is, for
// `rollcall grades create --from`, and CODE.csv, its students and scores, for
// `rollcall grades import`.
func (s *sampleCommand) Run(c *console) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return usagef("DIR: %w", err)
	}
	for _, course := range sampleSchool(s.Seed) {
		base := filepath.Join(s.Dir, strings.ToLower(course.Code))
		if err := writeFile(base+".csv", course.WriteCanvas); err != nil {
			return err
		}
		if err := writeFile(base+".json", func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(course.courseFile)
		}); err != nil {
			return err
		}
		fmt.Fprintln(c.out, base+".csv")
	}
	return nil
}

// writeFile writes a file whole or not at all: to a name beside it first, then
// renamed over it.
func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return usagef("%q: the folder takes no new file: %w", name, errors.Unwrap(err))
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}
