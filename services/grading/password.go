package grading

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/distributedgo/rollcall/node/httpapi"
)

// How passwords are hashed: argon2id with 19 MiB, 2 passes, 1 lane (OWASP's
// first choice). A hash costs some 30 ms of one core and all that memory, so
// only a few are computed at once; some wait, for three seconds at the most,
// and the rest is told to come back.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32
	argonSalt    = 16
	hashesAtOnce = 2

	hashesWaiting = 200
)

// hasher computes password hashes, a few at once.
type hasher struct{ slots, waiting chan struct{} }

func newHasher() *hasher {
	return &hasher{slots: make(chan struct{}, hashesAtOnce), waiting: make(chan struct{}, hashesWaiting)}
}

// hash returns a new salted hash of password in PHC form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	p := argonParams{argonMemory, argonTime, argonThreads}
	key, err := h.key(ctx, password, salt, p)
	if err != nil {
		return "", err
	}
	return p.phc(salt, key), nil
}

// verify reports whether password is the one that phc was made from, and
// whether phc should be made anew with today's parameters. For an empty phc,
// an account that does not exist, it computes as long and says no.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, old bool, err error) {
	p, salt, want, parsed := parsePHC(phc)
	if !parsed {
		p, salt, want = argonParams{argonMemory, argonTime, argonThreads}, make([]byte, argonSalt), make([]byte, argonKey)
	}
	got, err := h.key(ctx, password, salt, p)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1 && parsed
	return ok, ok && p != argonParams{argonMemory, argonTime, argonThreads}, nil
}

func (h *hasher) key(ctx context.Context, password string, salt []byte, p argonParams) ([]byte, error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, httpapi.Problemf(http.StatusServiceUnavailable, "too many sign in at this moment: try again in a few seconds").WithHeader("Retry-After", "3")
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("password: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	return argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, argonKey), nil
}

// argonParams are the costs of one hash.
type argonParams struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// phc writes a hash in the PHC string format.
func (p argonParams) phc(salt, key []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads, e.EncodeToString(salt), e.EncodeToString(key))
}

// parsePHC reads what phc wrote. Costs far above ours are refused: a hash
// from elsewhere must not stop a node.
func parsePHC(s string) (p argonParams, salt, key []byte, ok bool) {
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, false
	}
	if n, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); n != 3 || err != nil {
		return p, nil, nil, false
	}
	if p.memory == 0 || p.memory > 256<<10 || p.time == 0 || p.time > 16 || p.threads == 0 || p.threads > 16 {
		return p, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[4])
	if err != nil || len(salt) < 8 {
		return p, nil, nil, false
	}
	key, err = base64.RawStdEncoding.DecodeString(part[5])
	return p, salt, key, err == nil && len(key) == argonKey
}
