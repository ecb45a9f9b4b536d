//go:build race

package nodetest

// slowness is how many times slower than a release the nodes of a test are,
// with the race detector and other tests beside them. The gradebook's timeouts
// are stretched by it, or a busy machine would look like a dead leader.
const slowness = 4
