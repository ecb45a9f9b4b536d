// Package secret turns one 32-byte cluster secret into every key a node needs.
//
// Who holds the secret is a full member of the cluster; nothing else has to be
// copied between nodes. Each key comes from HKDF-SHA256 (RFC 5869) under its
// own label, so that no key tells anything about another:
//
//	secret ─┬─ gossip  → AES-256 key of the gossip packets
//	        ├─ ca      → Ed25519 certificate authority, the same bytes on each node
//	        ├─ token   → signs API tokens
//	        ├─ session → signs browser sessions
//	        └─ ticket  → seals what travels from one portal to another
//
// A Ring holds several secrets while one replaces another: the first is used,
// all are accepted. Rotation is three rounds over all nodes: add the new one
// second, move it first, drop the old one.
package secret

import (
	"bufio"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// prefix marks a secret's text form, for people and for scanners of leaked keys.
const prefix = "rcs_"

// Secret is the value that all nodes of one cluster share. Its zero value is
// no secret. It prints as its fingerprint, never as itself.
type Secret [32]byte

// New returns a random secret.
func New() (s Secret) {
	rand.Read(s[:]) // never fails: crypto/rand.Read ends the program instead
	return s
}

// Text returns the form that Parse reads: rcs_ and 43 characters of base64url.
func (s Secret) Text() string { return prefix + base64.RawURLEncoding.EncodeToString(s[:]) }

// String keeps secrets out of logs: it returns the fingerprint.
func (s Secret) String() string { return "secret " + s.Fingerprint() }

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// Fingerprint returns 8 hexadecimal digits that name the secret without
// telling it. Nodes carry it as a tag, so that a rotation can be watched.
func (s Secret) Fingerprint() string { return hex.EncodeToString(s.derive("fingerprint")[:4]) }

func (s Secret) derive(use string) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, "rollcall/"+use, 32)
	if err != nil {
		panic(err) // only for a length that HKDF can't give; 32 it can
	}
	return key
}

// Parse reads the text form of one secret. Its errors never hold the text.
func Parse(text string) (Secret, error) {
	var s Secret
	body, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ok {
		return s, fmt.Errorf("secret: does not start with %q: make one with `rollcall secret new`", prefix)
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || len(raw) != len(s) {
		return s, fmt.Errorf("secret: %q must be followed by %d characters of base64url: make one with `rollcall secret new`",
			prefix, base64.RawURLEncoding.EncodedLen(len(s)))
	}
	copy(s[:], raw)
	return s, nil
}

// Ring is one or more secrets: the first is used, all are accepted.
type Ring []Secret

// ParseRing reads one secret a line; empty lines and lines that start with #
// are passed over. It returns an error for an empty ring and for a secret that
// stands twice.
func ParseRing(text string) (Ring, error) {
	var r Ring
	seen := map[Secret]bool{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := Parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if seen[s] {
			return nil, fmt.Errorf("line %d: secret %s stands twice: remove one", n, s.Fingerprint())
		}
		seen[s] = true
		r = append(r, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	if len(r) == 0 {
		return nil, errors.New("secret: none found: make one with `rollcall secret new`")
	}
	return r, nil
}

// ReadFile reads a ring from a file, which must not be readable by everybody.
func ReadFile(path string) (Ring, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret file: %w", err)
	}
	if info.Mode().Perm()&0o004 != 0 {
		return nil, fmt.Errorf("secret file %s: mode %04o lets everybody read it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret file: %w", err)
	}
	r, err := ParseRing(string(text))
	if err != nil {
		return nil, fmt.Errorf("secret file %s: %w", path, err)
	}
	return r, nil
}

// Fingerprint returns that of the secret in use.
func (r Ring) Fingerprint() string { return r[0].Fingerprint() }

// Gossip returns the AES-256 keys of gossip packets, 32 bytes each.
func (r Ring) Gossip() [][]byte { return r.all("gossip") }

// Token returns the keys that sign API tokens, 32 bytes each.
func (r Ring) Token() [][]byte { return r.all("token") }

// Session returns the keys that sign browser sessions, 32 bytes each.
func (r Ring) Session() [][]byte { return r.all("session") }

// Ticket returns the keys that seal hand-over tickets between portals, 32
// bytes each.
func (r Ring) Ticket() [][]byte { return r.all("ticket") }

func (r Ring) all(use string) [][]byte {
	keys := make([][]byte, len(r))
	for i, s := range r {
		keys[i] = s.derive(use)
	}
	return keys
}
