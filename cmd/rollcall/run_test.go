package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// try runs the program with args and returns its exit code and output.
func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestGrammarHoldsTogether(t *testing.T) {
	t.Parallel()
	k, err := kong.New(&grammar{}, kong.PostBuild(nameEnvironment))
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		if n.Help == "" {
			t.Errorf("%s has no help", path)
		}
		for _, f := range n.Flags {
			if f.Name == "help" {
				continue
			}
			if f.Help == "" {
				t.Errorf("%s --%s has no help", path, f.Name)
			}
			if len(f.Envs) == 0 || !strings.HasPrefix(f.Envs[0], "ROLLCALL_") {
				t.Errorf("%s --%s can be set by %v, want a ROLLCALL_ variable", path, f.Name, f.Envs)
			}
			for _, bad := range []string{"password", "token", "secret"} {
				if f.Name == bad {
					t.Errorf("%s --%s would put a secret where everybody can read it", path, f.Name)
				}
			}
		}
		for _, child := range n.Children {
			walk(child, path+" "+child.Name)
		}
	}
	for _, child := range k.Model.Children {
		walk(child, child.Name)
	}
}

func TestBadInputIsExitTwoWithFieldValueRemedy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args string
		want []string
	}{
		{"nosuch", []string{"nosuch"}},
		{"status --nosuch", []string{"--nosuch"}},
		{"status --node 127.0.0.1", []string{`--node`, `"127.0.0.1"`, "give host:port"}},
		{"status --node http://a:1/x --get colour --timeout 0s", []string{"3 things", `"http://a:1/x"`, `"colour"`, "give leader", `--timeout: "0s"`}},
		{"status --expect=-1", []string{`--expect: "-1"`}},
		{"members --status dead", []string{`--status: "dead"`, "alive"}},
		{"services webs", []string{`ROLE: "webs"`, "registry"}},
		{"events --recent 9999", []string{`--recent: "9999"`, "1024"}},
		{"logs --level loud --limit 0 --field x --since 0s", []string{"4 things", `"loud"`, `--limit: "0"`, `--field: "x"`, `--since: "0s"`}},
		{"grades set c1 a1 s1", []string{"POINTS", "85.5"}},
		{"grades set c1 a1 s1 1.23456", []string{`POINTS: "1.23456"`, "four decimals"}},
		{"grades set c1 a1 s1 5 --status good", []string{`--status: "good"`, "excused"}},
		{"grades create", []string{"--title"}},
		{"grades create --from x.json --title y", []string{"--from"}},
		{"grades import c1 /no/such/file", []string{"FILE", "/no/such/file"}},
		{"grades history c1 --limit 5000", []string{`--limit: "5000"`}},
		{"accounts create x --role king", []string{`--role: "king"`, "teacher"}},
		{"accounts create x --role teacher --student s1", []string{"--student"}},
		{"token create x", []string{"--role", "reader"}},
		{"token create x --role reader --expires-in 1s", []string{"--expires-in", "8760h"}},
		{"found --node 127.0.0.1:1,127.0.0.1:2", []string{"name one node"}},
		{"leave --node 127.0.0.1:1,127.0.0.1:2", []string{"name one node"}},
		{"load --writers 0 --rate=-1 --for 0s", []string{"--writers", "--rate", "--for"}},
		{"completions tcsh", []string{`SHELL: "tcsh"`, "fish"}},
		{"status --secret-file /no/such", []string{"--secret-file"}},
		{"status --ca-file /no/such", []string{"--ca-file"}},
		{"agent --roles king --http nowhere --raft-lease 1s", []string{"--roles", "--http", "--raft-lease"}},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := try(t, strings.Fields(tc.args)...)
			if code != exitUsage || stdout != "" {
				t.Errorf("exit %d, want 2; stdout %q, stderr %q", code, stdout, stderr)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, stderr)
				}
			}
		})
	}
}

func TestHelpAndVersionAreExitZero(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "--help", "grades --help", "grades import --help", "agent --help", "version", "version --json", "completions bash", "secret new"} {
		if code, stdout, stderr := try(t, strings.Fields(args)...); code != 0 || stdout == "" || stderr != "" {
			t.Errorf("%q: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

func TestNoNodeIsExitOneAtOnce(t *testing.T) {
	t.Parallel()
	code, _, stderr := try(t, "status", "--node", "127.0.0.1:1,127.0.0.1:2", "--timeout", "1m")
	if code != exitFailure || !strings.Contains(stderr, "127.0.0.1:2") || !strings.Contains(stderr, "rollcall agent --dev") {
		t.Errorf("exit %d, stderr %q; want 1, both nodes, and what to do", code, stderr)
	}
}
