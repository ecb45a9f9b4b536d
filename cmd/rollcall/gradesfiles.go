package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/distributedgo/rollcall/services/grading"
	"github.com/distributedgo/rollcall/services/grading/exchange"
)

// importCommand reads scores from a file in two steps, always: what would
// change, then the change itself, bound to what was shown. When somebody
// changes the course in between, nothing is applied.
type importCommand struct {
	conn
	Course  string `arg:"" help:"Id, code or title of the course."`
	File    string `arg:"" help:"Canvas CSV file, or - for standard input."`
	DryRun  bool   `help:"Only show what would change."`
	SkipBad bool   `help:"Apply the good cells of a file that has bad ones."`
	JSON    bool   `help:"Print the answer as JSON."`
}

// maxImport is the largest file that is read: the API takes no larger one.
const maxImport = 32 << 20

// Run previews and applies.
func (i *importCommand) Run(ctx context.Context, c *console) error {
	file, err := i.read(c.in)
	if err != nil {
		return err
	}
	client, err := i.grades(c)
	if err != nil {
		return err
	}
	course, err := courseNamed(ctx, client, i.Course)
	if err != nil {
		return err
	}
	preview, err := client.ImportCanvas(ctx, course.ID, grading.ImportRequest{File: file, Source: i.source(), DryRun: true})
	if err != nil {
		return err
	}
	if i.DryRun {
		return i.show(c.out, preview, course.Title)
	}
	if n := len(preview.Faults); n > 0 && !i.SkipBad {
		if err := i.show(c.out, preview, course.Title); err != nil {
			return err
		}
		return usagef("FILE: %q: %s, so nothing was changed; correct that, or give --skip-bad to import the rest", i.File, count(n, "fault"))
	}
	done, err := client.ImportCanvas(ctx, course.ID, grading.ImportRequest{File: file, Source: i.source(), Basis: &preview.Basis})
	if err != nil {
		return err
	}
	return i.show(c.out, done, course.Title)
}

// source names the file for the history.
func (i *importCommand) source() string {
	if i.File == "-" {
		return "standard input"
	}
	return filepath.Base(i.File)
}

func (i *importCommand) read(stdin io.Reader) ([]byte, error) {
	in := stdin
	if i.File != "-" {
		f, err := os.Open(i.File)
		if err != nil {
			return nil, usagef("FILE: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxImport+1))
	if err != nil {
		return nil, usagef("FILE: %w", err)
	}
	if len(b) > maxImport {
		return nil, usagef("FILE: %q: it is larger than %d MB; split it", i.File, maxImport>>20)
	}
	return b, nil
}

// show prints what an import did or would do.
func (i *importCommand) show(w io.Writer, d *exchange.Diff, title string) error {
	if i.JSON {
		return printJSON(w, d)
	}
	form := "%s: would change %s, add %s and %s, leave %d as they are\n"
	if d.Applied {
		form = "%s: changed %s, added %s and %s, left %d as they were\n"
	}
	fmt.Fprintf(w, form, plain(title), count(len(d.Changes), "score"), count(len(d.NewStudents), "student"),
		count(len(d.NewAssignments), "assignment"), d.Unchanged)
	for _, s := range d.Skipped {
		fmt.Fprintf(w, "  row %d is skipped, %q: %s\n", s.Row, s.Name, plain(s.Reason))
	}
	for _, f := range d.Notes {
		fmt.Fprintf(w, "  note%s: %s\n", place(f), plain(f.Reason))
	}
	for _, f := range d.Faults {
		fmt.Fprintf(w, "  fault%s: %s\n", place(f), plain(f.Reason))
	}
	return nil
}

// count says how many things there are, as in "1 fault" and "2 faults".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// place says where in the file a fault is, as far as it is in one place.
func place(f exchange.Fault) string {
	var b strings.Builder
	if f.Row > 0 {
		fmt.Fprintf(&b, " in row %d", f.Row)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %q", f.Column)
	}
	if f.Value != "" {
		fmt.Fprintf(&b, ", %q", f.Value)
	}
	return b.String()
}

type exportCommand struct {
	conn
	Course string `arg:"" help:"Id, code or title of the course."`
	Out    string `placeholder:"FILE" type:"path" help:"Write to this file instead of printing."`
}

// Run writes the course as a Canvas CSV file.
func (x *exportCommand) Run(ctx context.Context, c *console) (err error) {
	client, err := x.grades(c)
	if err != nil {
		return err
	}
	course, err := courseNamed(ctx, client, x.Course)
	if err != nil {
		return err
	}
	body, err := client.ExportCanvas(ctx, course.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	pour := func(w io.Writer) error {
		if _, err := io.Copy(w, body); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		return nil
	}
	if x.Out == "" {
		return pour(c.out)
	}
	return writeFile(x.Out, pour)
}
