package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestBashCompletesCommandsAndFlags(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := try(t, "completions", "bash")
	for line, want := range map[string]string{
		"rollcall gra":                "grades",
		"rollcall grades imp":         "import",
		"rollcall grades import --dr": "--dry-run",
		"rollcall logs --lev":         "--level",
	} {
		words := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), shell, "-c", script+`
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rollcall; printf '%s\n' "${COMPREPLY[@]}"`)
		cmd.Args = append(append(cmd.Args, "bash"), words...)
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q completes to %q, %v; want %q", line, out, err, want)
		}
	}
}

func TestOtherShells(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{"fish": `__fish_seen_subcommand_from grades; and __fish_seen_subcommand_from import`, "zsh": "bashcompinit"} {
		if _, script, _ := try(t, "completions", shell); !strings.Contains(script, want) {
			t.Errorf("%s: the script has no %q", shell, want)
		}
	}
}
