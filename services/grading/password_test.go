package grading

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

func TestPasswordsAreHashedAndAgedHashesAreFound(t *testing.T) {
	t.Parallel()
	h := newHasher()
	phc, err := h.hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", phc, err)
	}
	salt := []byte("0123456789abcdef")
	e := base64.RawStdEncoding.EncodeToString
	aged := "$argon2id$v=19$m=64,t=1,p=1$" + e(salt) + "$" + e(argon2.IDKey([]byte("correct horse"), salt, 1, 64, 1, argonKey))
	for _, tc := range []struct {
		phc, password string
		ok, old       bool
	}{
		{phc, "correct horse", true, false},
		{phc, "correct horsf", false, false},
		{aged, "correct horse", true, true},
		{aged, "wrong", false, false},
		{"", "correct horse", false, false},
		{"$argon2id$v=19$m=4294967295,t=1,p=1$" + e(salt) + "$" + e(salt), "x", false, false},
		{"$2a$10$bcrypt", "x", false, false},
	} {
		if ok, old, err := h.verify(t.Context(), tc.phc, tc.password); err != nil || ok != tc.ok || old != tc.old {
			t.Errorf("%.30s… %q: %v, %v, %v", tc.phc, tc.password, ok, old, err)
		}
	}
	for range hashesAtOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("all slots taken and the caller gone: %v", err)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	th := newThrottle(3, 30*time.Second)
	for range 3 {
		if w := th.wait("ada", now); w != 0 {
			t.Fatalf("a free try waits %v", w)
		}
		th.fail("ada", now)
	}
	if w := th.wait("ada", now); w != 30*time.Second {
		t.Fatalf("after three failures the next try waits %v, want 30s", w)
	}
	if w := th.wait("bob", now); w != 0 {
		t.Fatalf("another name waits %v", w)
	}
	if w := th.wait("ada", now.Add(30*time.Second)); w != 0 {
		t.Fatalf("30 s later it still waits %v", w)
	}
	th.forget("ada")
	if w := th.wait("ada", now); w != 0 {
		t.Fatalf("after a success it waits %v", w)
	}
	for i := range throttleMost + 10 {
		th.fail(string(rune(i)), now)
	}
	if len(th.buckets) > throttleMost {
		t.Fatalf("%d buckets are kept", len(th.buckets))
	}
}
