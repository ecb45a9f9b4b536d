// Package membership answers one question: who is here, and what do they do?
//
// Every node runs one [Agent]. Agents gossip: each tells a few random others
// what it knows, twenty-five times a second, and probes one other in turn. No
// node is special, so no node's death takes the list of members with it. The
// protocol is SWIM (Das, Gupta, Motivala 2002) with the Lifeguard refinements,
// as built by hashicorp/memberlist; hashicorp/serf adds orderly leaving, tags
// and network coordinates. Both stay behind this package: nothing above it
// imports them.
//
// The path of one change, from the wire to a service:
//
//	UDP packet ─► memberlist ─► serf ─► queue (always drained) ─► view ─► Watch
//	                 ▲                     events.go              view.go   │
//	              gate.go                                                   ▼
//	          (faults, in a lab)                            Members, Timeline, Lead
//
// A member is known by its id: random, made once, kept in its data directory.
// Its human name, its addresses and the roles it serves now are tags, at most
// 512 bytes in all. A role tag is a promise: set when the role can answer,
// withdrawn before it no longer can.
//
// What it promises when a node dies: with the [Local] profile every other
// member lists it as failed within about a second (1.0 s at 5 nodes, 1.5 s at
// 50), and [Lead] of every survivor names the same next lead. What it does not
// promise: agreement. Two halves of a cut network each see the other half
// fail, and each elects a lead; so nothing that must happen only once may hang
// on it. That is raft's work, in services/grading.
package membership
