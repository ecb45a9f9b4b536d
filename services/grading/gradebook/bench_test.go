package gradebook_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	. "github.com/distributedgo/rollcall/services/grading/gradebook"
)

// A full course: 200 students by 60 assignments, every cell graded.
func BenchmarkTable(b *testing.B) {
	s := crowded(b, 200, 60)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Table("c1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSetScore(b *testing.B) {
	s := crowded(b, 200, 60)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.must(SetScore{Course: "c1", Assignment: fmt.Sprint("a", i%60+1), Student: fmt.Sprint("s", i%200+1), Points: points("7")})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	s := crowded(b, 200, 60)
	b.SetBytes(int64(len(snapshot(b, s.Freeze()))))
	for b.Loop() {
		if _, err := s.Freeze().WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	data := snapshot(b, crowded(b, 200, 60).Freeze())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Read(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
