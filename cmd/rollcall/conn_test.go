package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/distributedgo/rollcall/node/identity"
	"github.com/distributedgo/rollcall/node/secret"
)

// environment makes a getenv of pairs.
func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSecretMakesAnAdministratorForMinutes(t *testing.T) {
	t.Parallel()
	s := secret.New()
	c := conn{SecretFile: write(t, s.Text()+"\n", 0o600)}
	bearer, err := c.bearer(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	text, err := bearer()
	if err != nil {
		t.Fatal(err)
	}
	keys := identity.Keys{Token: secret.Ring{s}.Token()}
	token, err := keys.VerifyToken(text, time.Now())
	if err != nil || token.Role != identity.Admin || token.Expires.Sub(token.Issued) != mintedFor {
		t.Errorf("got %+v, %v", token, err)
	}
	if again, _ := bearer(); again != text {
		t.Error("a new token for each request")
	}
}

func TestMintedTokenIsRenewed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	bearer := minter(identity.Keys{Token: [][]byte{{1}}}, func() time.Time { return now })
	first, _ := bearer()
	now = now.Add(mintedFor/2 + time.Second)
	if second, _ := bearer(); second == first {
		t.Error("an old token is used until it ends in the middle of a request")
	}
}

func TestTokenGoesBeforeSecret(t *testing.T) {
	t.Parallel()
	s := secret.New().Text()
	for name, tc := range map[string]struct {
		c    conn
		env  map[string]string
		want string
	}{
		"token file":    {conn{TokenFile: write(t, " rct_file\n", 0o600)}, map[string]string{"ROLLCALL_TOKEN": "rct_env"}, "rct_file"},
		"token in env":  {conn{}, map[string]string{"ROLLCALL_TOKEN": "rct_env", "ROLLCALL_SECRET": s}, "rct_env"},
		"secret in env": {conn{}, map[string]string{"ROLLCALL_SECRET": s}, identity.TokenPrefix},
	} {
		bearer, err := tc.c.bearer(environment(tc.env))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, err := bearer(); err != nil || !strings.HasPrefix(text, tc.want) {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
	if bearer, err := (&conn{}).bearer(environment(nil)); bearer != nil || err != nil {
		t.Errorf("with nothing given: %v, want anonymous", err)
	}
}

func TestBadSecretsAreToldWithoutTellingThem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		c   conn
		env map[string]string
	}{
		"everybody reads": {conn{SecretFile: write(t, secret.New().Text(), 0o644)}, nil},
		"no secret":       {conn{SecretFile: write(t, "hunter2-hunter2", 0o600)}, nil},
		"in env":          {conn{}, map[string]string{"ROLLCALL_SECRET": "hunter2-hunter2"}},
		"empty token":     {conn{TokenFile: write(t, "\n", 0o600)}, nil},
	} {
		_, err := tc.c.bearer(environment(tc.env))
		if err == nil || !isUsage(err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want bad input without the value", name, err)
		}
	}
}

// A node that runs and whose certificate nobody vouches for is not a node that
// is down: no second try, and the advice is about certificates.
func TestUnknownCertificateSaysFingerprint(t *testing.T) {
	t.Parallel()
	node := httptest.NewUnstartedServer(http.NotFoundHandler())
	node.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of our refusal
	node.StartTLS()
	t.Cleanup(node.Close)
	c := conn{Node: []string{node.URL}, Timeout: time.Hour}
	rt, err := c.dial(&console{getenv: environment(nil)})
	if err != nil {
		t.Fatal(err)
	}
	err = call(t.Context(), rt, http.MethodGet, "/v1/cluster", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "--fingerprint") {
		t.Errorf("got %v, want the flag that helps", err)
	}
}
