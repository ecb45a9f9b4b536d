//go:build !race

package nodetest

// slowness: see race_on.go.
const slowness = 1
