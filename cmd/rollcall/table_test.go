package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTableKeepsControlCharactersOut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	tab := newTable(&b, "A", "B")
	tab.row("x\ty\n\x1b[31m", "")
	if err := tab.flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A         B\nx y  [31m  -\n"; strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") || strings.Count(got, "\n") != 2 {
		t.Errorf("got %q", got)
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 90 * time.Second: "90s", 90 * time.Minute: "90m", 30 * time.Hour: "30h", 72 * time.Hour: "3d",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v ago is %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, now); got != "" {
		t.Errorf("never is %q", got)
	}
}
