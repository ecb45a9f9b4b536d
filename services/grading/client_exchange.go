package grading

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/distributedgo/rollcall/services/grading/exchange"
)

// ImportRequest is a file to import.
type ImportRequest struct {
	File         []byte
	Source       string // the file's name, for the history
	DryRun       bool
	Basis        *uint64 // the preview's Basis: refused with 409 and a new preview when the course changed since
	SkipStudents bool    // do not enrol students who are in the file only; name and skip them
}

// ImportCanvas previews or applies a Canvas CSV file. Give the preview's Basis
// to apply just what was shown.
func (c *Client) ImportCanvas(ctx context.Context, course string, r ImportRequest) (*exchange.Diff, error) {
	q := url.Values{"format": {"canvas"}, "dryRun": {strconv.FormatBool(r.DryRun)}}
	if r.Basis != nil {
		q.Set("basis", strconv.FormatUint(*r.Basis, 10))
	}
	if r.Source != "" {
		q.Set("source", r.Source)
	}
	if r.SkipStudents {
		q.Set("newStudents", "skip")
	}
	return ask[*exchange.Diff](ctx, c, request{
		method: http.MethodPost, path: at("courses", course, "import"), query: q,
		header: http.Header{"Content-Type": {"text/csv"}}, body: r.File,
	})
}

// ExportCanvas returns a course as a Canvas CSV file. The caller closes it.
func (c *Client) ExportCanvas(ctx context.Context, course string) (io.ReadCloser, error) {
	resp, err := c.do(ctx, request{method: http.MethodGet, path: at("courses", course, "export"), query: url.Values{"format": {"canvas"}}})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}
