package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
)

func TestPrincipalTravels(t *testing.T) {
	p := identity.Principal{Account: "u7", Name: "ada\r\nX: 1", Role: identity.Teacher, Session: "s", Epoch: 3, From: "::1"}
	text := p.Encode()
	if strings.ContainsAny(text, "\r\n \"") {
		t.Fatalf("%q does not fit a header", text)
	}
	got, err := identity.Decode(text)
	if err != nil || got != p {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "!", "e30x", "W10"} {
		if got, err := identity.Decode(bad); err == nil {
			t.Errorf("Decode(%q) = %+v, want an error", bad, got)
		}
	}
	if got := identity.From(identity.With(context.Background(), p)); got != p {
		t.Errorf("From = %+v", got)
	}
	if !identity.From(context.Background()).Anonymous() {
		t.Error("a context without principal is not anonymous")
	}
}

func TestAllow(t *testing.T) {
	course := identity.Resource{Teachers: []string{"u2"}}
	student := identity.Resource{Teachers: []string{"u2"}, Account: "u3", Guardians: []string{"u4"}}
	as := func(r identity.Role, account string) identity.Principal {
		return identity.Principal{Role: r, Account: account}
	}
	for _, tc := range []struct {
		who  identity.Principal
		what identity.Action
		to   identity.Resource
		want error
	}{
		{as(identity.Admin, ""), identity.WriteCourse, course, nil},
		{as(identity.Admin, "u1"), identity.Internal, course, identity.ErrForbidden},
		{as(identity.Teacher, "u2"), identity.WriteCourse, course, nil},
		{as(identity.Teacher, "u9"), identity.WriteCourse, course, identity.ErrForbidden},
		{as(identity.Teacher, "u9"), identity.ReadCourse, course, identity.ErrForbidden},
		{as(identity.Teacher, ""), identity.ReadCourse, identity.Resource{Teachers: []string{""}}, identity.ErrForbidden},
		{as(identity.Teacher, "u2"), identity.ManageAccounts, course, identity.ErrForbidden},
		{as(identity.Student, "u3"), identity.ReadStudent, student, nil},
		{as(identity.Student, "u9"), identity.ReadStudent, student, identity.ErrForbidden},
		{as(identity.Student, "u3"), identity.ReadCourse, course, identity.ErrForbidden},
		{as(identity.Guardian, "u4"), identity.ReadStudent, student, nil},
		{as(identity.Guardian, "u3"), identity.ReadStudent, student, identity.ErrForbidden},
		{as(identity.Reader, ""), identity.ReadLogs, course, nil},
		{as(identity.Reader, ""), identity.ReadCourse, course, identity.ErrForbidden},
		{as(identity.Service, ""), identity.WriteLogs, course, nil},
		{as(identity.Service, ""), identity.ReadLogs, course, identity.ErrForbidden},
		{as(identity.Local, ""), identity.RegisterService, course, nil},
		{as(identity.Local, ""), identity.ReadCourse, course, identity.ErrUnauthenticated},
		{as(identity.Guest, ""), identity.RegisterService, course, identity.ErrUnauthenticated},
		{as(identity.Node, ""), identity.Internal, course, nil},
		{as(identity.Node, ""), identity.WriteCourse, course, identity.ErrForbidden},
		{identity.Principal{}, identity.ReadCluster, course, identity.ErrUnauthenticated},
		{as("root", "u1"), identity.ReadCluster, course, identity.ErrForbidden},
	} {
		if err := tc.who.Allow(tc.what, tc.to); !errors.Is(err, tc.want) || (tc.want == nil) != (err == nil) {
			t.Errorf("%v, %s: got %v, want %v", tc.who, tc.what, err, tc.want)
		}
	}
}

var keys = identity.Keys{Token: [][]byte{{1}}, Session: [][]byte{{2}}}

func TestTokens(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	tok := identity.Token{ID: identity.NewID(), Name: "ci", Role: identity.Service, Issued: now, Expires: now.Add(time.Hour)}
	text := keys.SignToken(tok)
	if got, err := keys.VerifyToken(text, now); err != nil || got != tok {
		t.Fatalf("got %+v, %v", got, err)
	}
	rotated := identity.Keys{Token: [][]byte{{9}, {1}}}
	if _, err := rotated.VerifyToken(text, now); err != nil {
		t.Errorf("a token of the older secret is refused: %v", err)
	}
	if _, err := keys.VerifyToken(text, now.Add(time.Hour)); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("got %v after its time, want ErrExpired", err)
	}
	flipped := []byte(text)
	flipped[len(identity.TokenPrefix)+12] ^= 1
	for _, bad := range []string{"", "x", string(flipped), text[:len(text)-2], strings.TrimPrefix(text, identity.TokenPrefix), identity.TokenPrefix + "a.b"} {
		if _, err := keys.VerifyToken(bad, now); !errors.Is(err, identity.ErrSignature) {
			t.Errorf("VerifyToken(%q): got %v, want ErrSignature", bad, err)
		}
	}
	if _, err := (identity.Keys{Token: keys.Session}).VerifyToken(text, now); !errors.Is(err, identity.ErrSignature) {
		t.Errorf("another cluster takes the token: %v", err)
	}
}

func TestSessionsEndWhenIdleAndInAnyCase(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	s := identity.Session{ID: "x", Account: "u1", Role: identity.Teacher, Issued: now, Seen: now}
	for _, tc := range []struct {
		seen, at time.Duration
		want     error
	}{
		{0, identity.IdleLife, nil},
		{0, identity.IdleLife + time.Second, identity.ErrExpired},
		{identity.SessionLife - time.Minute, identity.SessionLife, nil},
		{identity.SessionLife - time.Minute, identity.SessionLife + time.Second, identity.ErrExpired},
	} {
		s.Seen = now.Add(tc.seen)
		if _, err := keys.VerifySession(keys.SignSession(s), now.Add(tc.at)); !errors.Is(err, tc.want) {
			t.Errorf("seen +%v, asked +%v: got %v, want %v", tc.seen, tc.at, err, tc.want)
		}
	}
}

func TestStand(t *testing.T) {
	now := time.Now()
	session := identity.Principal{Account: "u1", Role: identity.Teacher, Session: "s1", Epoch: 1}
	var s identity.Stand
	if got, err := s.Admit(session); err != nil || got != session {
		t.Fatalf("a stand that knows nothing: got %v, %v", got, err)
	}
	s.Set(identity.StandState{Index: 5, Accounts: map[string]identity.AccountStand{"u1": {Name: "ada", Role: identity.Admin, Epoch: 1}}, Revoked: []string{"t1", "s2"}}, now)
	if got, err := s.Admit(session); err != nil || got.Role != identity.Admin || got.Name != "ada" {
		t.Errorf("got %+v, %v, want today's role and name", got, err)
	}
	s.Set(identity.StandState{Index: 4}, now.Add(time.Second))
	if i, _ := s.Index(); i != 5 || s.Age(now) != 0 {
		t.Errorf("an older state was taken")
	}
	if _, err := s.Admit(identity.Principal{Account: "u2", Session: "n"}); err != nil {
		t.Errorf("an account newer than the copy is refused: %v", err)
	}
	for name, p := range map[string]identity.Principal{
		"revoked token":   {Role: identity.Reader, Token: "t1"},
		"revoked session": {Account: "u1", Session: "s2", Epoch: 1},
		"older epoch":     {Account: "u1", Session: "s3"},
	} {
		if _, err := s.Admit(p); !errors.Is(err, identity.ErrRevoked) {
			t.Errorf("%s: got %v, want ErrRevoked", name, err)
		}
	}
	s.Set(identity.StandState{Index: 6, Accounts: map[string]identity.AccountStand{"u1": {Disabled: true}}}, now)
	if _, err := s.Admit(session); !errors.Is(err, identity.ErrRevoked) {
		t.Errorf("disabled account: got %v, want ErrRevoked", err)
	}
}
