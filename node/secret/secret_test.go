package secret_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/node/secret"
)

func TestTextRoundTrip(t *testing.T) {
	s := secret.New()
	got, err := secret.Parse(" " + s.Text() + "\n")
	if err != nil || got != s {
		t.Fatalf("Parse(Text()) = %v, %v", got, err)
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	s := secret.New()
	raw := strings.TrimPrefix(s.Text(), "rcs_")
	for _, out := range []string{
		fmt.Sprint(s), fmt.Sprintf("%v %s %#v %+v", s, s, s, s), fmt.Sprint(secret.Ring{s}),
	} {
		if strings.Contains(out, raw) || strings.Contains(out, fmt.Sprint([32]byte(s))) {
			t.Errorf("a print shows the secret: %s", out)
		}
	}
	for _, bad := range []string{raw, "rcs_" + raw[1:], "rcs_" + raw + raw, "rcs_!" + raw[1:]} {
		_, err := secret.Parse(bad)
		if err == nil {
			t.Errorf("a damaged secret was taken")
		} else if strings.Contains(err.Error(), raw[1:]) {
			t.Errorf("an error shows the secret: %v", err)
		}
	}
}

func TestRing(t *testing.T) {
	a, b := secret.New(), secret.New()
	r, err := secret.ParseRing("# first is used\n" + a.Text() + "\n\n" + b.Text() + "\n")
	if err != nil || len(r) != 2 || r[0] != a || r[1] != b {
		t.Fatalf("got %v, %v", r, err)
	}
	if r.Fingerprint() != a.Fingerprint() {
		t.Errorf("fingerprint is not that of the first")
	}
	if bytes.Equal(r.Gossip()[0], r.Gossip()[1]) || bytes.Equal(r.Gossip()[0], r.Token()[0]) || bytes.Equal(r.Session()[0], r.Ticket()[0]) {
		t.Errorf("two keys are equal")
	}
	for name, text := range map[string]string{"empty": "# nothing\n", "twice": a.Text() + "\n" + a.Text(), "not one": "hello"} {
		if _, err := secret.ParseRing(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadFileRefusesWhatEverybodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret.New().Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.ReadFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("got %v, want the remedy", err)
	}
}
