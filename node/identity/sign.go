package identity

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// A session ends after IdleLife without a request, and after SessionLife in
// any case.
const (
	IdleLife    = 30 * time.Minute
	SessionLife = 12 * time.Hour
)

// TokenPrefix starts every token, for people and for scanners of leaked keys.
const TokenPrefix = "rct_"

// ErrExpired is for a session or token whose time is over, ErrSignature for
// one that nobody of this cluster signed.
var (
	ErrExpired   = errors.New("expired: sign in again or make a new token")
	ErrSignature = errors.New("not signed by this cluster")
)

// Keys sign tokens and sessions. The first of each signs, all verify.
type Keys struct{ Token, Session [][]byte }

// Session is a person's signed browser session.
type Session struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Epoch   uint64    `json:"epoch"`
	Issued  time.Time `json:"issued"`
	Seen    time.Time `json:"seen"` // last re-issue; the cookie's idle time runs from here
}

// Principal returns who holds the session.
func (s Session) Principal() Principal {
	return Principal{Account: s.Account, Name: s.Name, Role: s.Role, Session: s.ID, Epoch: s.Epoch}
}

// Token is a program's signed right to call.
type Token struct {
	ID      string    `json:"id"`
	Account string    `json:"account,omitempty"` // acts as this account, when set
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Epoch   uint64    `json:"epoch,omitempty"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

// Principal returns who holds the token.
func (t Token) Principal() Principal {
	return Principal{Account: t.Account, Name: t.Name, Role: t.Role, Token: t.ID, Epoch: t.Epoch}
}

// NewID returns a random id for a session or a token: 26 characters, 130 bits.
func NewID() string { return strings.ToLower(rand.Text()) }

// SignSession returns the cookie value of s.
func (k Keys) SignSession(s Session) string { return sign(k.Session, s) }

// SignToken returns the text of t, for the header "Authorization: Bearer …".
func (k Keys) SignToken(t Token) string { return TokenPrefix + sign(k.Token, t) }

// VerifySession reads a cookie value. Its errors are ErrSignature and
// ErrExpired.
func (k Keys) VerifySession(text string, now time.Time) (Session, error) {
	var s Session
	if err := verify(k.Session, text, &s); err != nil {
		return Session{}, err
	}
	if now.Sub(s.Seen) > IdleLife || now.Sub(s.Issued) > SessionLife {
		return Session{}, ErrExpired
	}
	return s, nil
}

// VerifyToken reads a token's text. Its errors are ErrSignature and ErrExpired.
func (k Keys) VerifyToken(text string, now time.Time) (Token, error) {
	var t Token
	body, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return Token{}, ErrSignature
	}
	if err := verify(k.Token, body, &t); err != nil {
		return Token{}, err
	}
	if !now.Before(t.Expires) {
		return Token{}, ErrExpired
	}
	return t, nil
}

// sign returns base64url(JSON of v) "." base64url(HMAC-SHA256 of the JSON).
func sign(keys [][]byte, v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // Session and Token always encode
	}
	return base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(mac(keys[0], body))
}

func verify(keys [][]byte, text string, v any) error {
	head, tail, ok := strings.Cut(text, ".")
	if !ok {
		return ErrSignature
	}
	body, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return ErrSignature
	}
	sum, err := base64.RawURLEncoding.DecodeString(tail)
	if err != nil {
		return ErrSignature
	}
	for _, key := range keys {
		if hmac.Equal(sum, mac(key, body)) {
			return json.NewDecoder(bytes.NewReader(body)).Decode(v)
		}
	}
	return ErrSignature
}

func mac(key, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(body)
	return h.Sum(nil)
}
