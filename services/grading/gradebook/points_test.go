package gradebook_test

import (
	"encoding/json"
	"errors"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

func TestParsePoints(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"85.5": "85.5", "0": "0", "-0": "0", "-3": "-3", ".25": "0.25", "-.5": "-0.5", "007": "7",
		"1.0000": "1", "0.0001": "0.0001", "-12.3450": "-12.345", "1000000": "1000000",
	} {
		p, err := ParsePoints(in)
		if err != nil || p.String() != want {
			t.Errorf("ParsePoints(%q) = %v, %v; want %s", in, p, err, want)
		}
	}
	for _, in := range []string{
		"", "-", ".", "5.", "-.", "1,5", "1e3", "+5", " 5", "5 ", "0x1", "1.00001", "1000000.0001", "-1000001",
		"99999999999999999999999", "NaN", "Inf", "--5", "٣", "1_000", "5.-1",
	} {
		if p, err := ParsePoints(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParsePoints(%q) = %v, %v; want it refused", in, p, err)
		}
	}
}

func TestPointsTravelAsStrings(t *testing.T) {
	t.Parallel()
	var s Score
	if err := json.Unmarshal([]byte(`{"points":"85.50"}`), &s); err != nil || s.Points.String() != "85.5" {
		t.Fatalf("got %v, %v", s.Points, err)
	}
	if err := json.Unmarshal([]byte(`{"points":85.5}`), &s); err == nil {
		t.Fatal("a JSON number was taken for points")
	}
	if out, err := json.Marshal(s.Points); err != nil || string(out) != `"85.5"` {
		t.Fatalf("got %s, %v", out, err)
	}
}

func FuzzParsePoints(f *testing.F) {
	for _, s := range []string{"85.5", "-0.0001", "1000000", ".5", "1e9", "5."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePoints(s)
		if err != nil {
			return
		}
		if again, err := ParsePoints(p.String()); err != nil || again != p {
			t.Fatalf("%q is %v, and that is %v, %v", s, p, again, err)
		}
	})
}
