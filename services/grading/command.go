package grading

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// Kinds of commands beside the gradebook's own changes.
const (
	kindFound  = "found"  // gives the gradebook its id: the first command of every log
	kindRetire = "retire" // a node id that must never come back
)

// Errors of what a log or a file holds.
var (
	errDamaged  = errors.New("damaged")
	errTooNew   = errors.New("written by a newer version: update this node")
	errTooLarge = errors.New("too large")
)

// command is one line of the replicated log. All that the state machine needs
// is in it, so that every replica computes the same: it reads no clock, draws
// nothing at random, asks nobody.
type command struct {
	Version int                `json:"version"`
	Kind    string             `json:"kind"`
	Key     string             `json:"key"`     // idempotency key, unique within the account
	Request requestHash        `json:"request"` // of what was asked for, see hashRequest
	At      time.Time          `json:"at"`      // the leader's clock, never before the command before
	Node    string             `json:"node"`    // name of the node that took the request
	Actor   identity.Principal `json:"actor"`
	Payload json.RawMessage    `json:"payload,omitempty"`
	Packed  []byte             `json:"packed,omitempty"` // the payload, when it is large; see pack
}

// kindVersions holds the command version that introduced a kind, where it is
// not 1. A leader proposes a kind only when every voter knows its version.
var kindVersions = map[string]int{}

// versionOf returns the version that a replica must know to apply kind.
func versionOf(kind string) int { return max(1, kindVersions[kind]) }

// encode returns the command as the log carries it.
func (c command) encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("command %s: %w", c.Kind, err)
	}
	return b, nil
}

// decodeCommand reads a command. errTooNew says that this program must not go
// on: to skip a command that other replicas apply is to hold another gradebook.
func decodeCommand(b []byte) (command, error) {
	var c command
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("command: %w: %w", errDamaged, err)
	}
	if c.Version > CommandVersion {
		return c, fmt.Errorf("command %s of version %d, this program knows %d: %w", c.Kind, c.Version, CommandVersion, errTooNew)
	}
	return c, nil
}

// hashRequest returns the hash of what a caller asked for. It is taken from
// the request and not from the command: one request may make two different
// commands, when an import is worked out again or a password is salted again.
// A password must not be among the parts: the log keeps the hash for ever, and
// a quick hash of a password is as good as the password.
func hashRequest(parts ...any) requestHash {
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, p := range parts {
		if b, ok := p.([]byte); ok {
			sum := sha256.Sum256(b)
			p = sum[:]
		}
		_ = e.Encode(p) // strings and plain structs encode, a hash takes any write
	}
	return requestHash(h.Sum(nil)[:16])
}

// MarshalText and UnmarshalText put the hash into JSON as hexadecimal text.
func (h requestHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

func (h *requestHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("request hash: %w: want %d hexadecimal digits", errDamaged, hex.EncodedLen(len(h)))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("request hash: %w: %w", errDamaged, err)
	}
	return nil
}

// outcome is the answer to a command: the same on every replica, the first
// time and every time after.
type outcome struct {
	Index  uint64           `json:"index"` // log index it was applied at
	Result gradebook.Result `json:"result,omitzero"`
	Fault  *fault           `json:"fault,omitempty"`
	// A bulk answer is remembered without its cells: Short says so, and Course
	// where the history tells them again.
	Short  bool   `json:"short,omitempty"`
	Course string `json:"course,omitempty"`
}
