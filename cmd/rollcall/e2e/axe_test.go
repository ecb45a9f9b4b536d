package e2e

import (
	"crypto/sha256"
	_ "embed" // for axe
	"encoding/base64"
	"testing"
)

// axe is axe-core 4.14.1, unchanged from npm (MPL 2.0; the licence is beside it).
// It judges pages here and is no part of the product.
//
//go:embed testdata/axe-4.14.1.min.js
var axe string

func TestAxeIsWhatNpmHas(t *testing.T) {
	const want = "KTSJmUUM3yhJqOcLeRL8LahahJ2jnA0NU5T1HUqe2Vw=" // its own sri-history.json
	sum := sha256.Sum256([]byte(axe))
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != want {
		t.Errorf("testdata/axe-4.14.1.min.js has the sha256 %s, want %s", got, want)
	}
}

// accessible fails the test for each rule of WCAG 2.2 AA that the page breaks.
// Of the gradebook it takes the first rows: the others are the same 30 inputs.
func (b *tab) accessible(what string) {
	b.t.Helper()
	eval[int](b, axe+";0")
	broken := eval[[]struct {
		ID, Help string
		Nodes    []string
	}](b, `axe.run({include: [["html"]], exclude: [["#grid tbody tr:nth-child(n+7)"]]}, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"]})
		.then((r) => r.violations.map((v) => ({ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map((n) => n.target.join(" ") + ": " + n.failureSummary)})))`)
	for _, v := range broken {
		b.t.Errorf("%s: %s: %s: %q", what, v.ID, v.Help, v.Nodes)
	}
}
