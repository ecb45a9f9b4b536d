package logs

import (
	"errors"
	"strings"
	"testing"
)

// The shortest line becomes a record forty times as long: a packed body of a
// few kilobytes must not fill the memory.
func TestManyShortLinesAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	a := lonely(t)
	_, err := a.Ingest(t.Context(), strings.NewReader(strings.Repeat("{}\n", maxBody/4)), IngestOptions{})
	if e, ok := errors.AsType[*ParamError](err); !ok || e.Field != "body" {
		t.Fatalf("got %v, want a refusal of the body", err)
	}
	if n := a.SpoolBytes(); n > 0 {
		t.Errorf("%d bytes of it were taken", n)
	}
}
