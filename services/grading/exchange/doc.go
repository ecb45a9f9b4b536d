// Package exchange carries grades between files and the gradebook.
//
// A file never changes anything by being read. It becomes a [Sheet], what the
// file says, with a [Fault] for each cell that says nothing sensible. Compared
// with the gradebook as it is, the sheet becomes a [Diff], what applying it
// would do, which a person looks at. And the diff becomes one change, which
// does that or, if the gradebook moved meanwhile, nothing:
//
//	file ─ReadCanvas─► Sheet ─Compare─► Diff ─Change─► gradebook.ApplyImport
//	                             ▲        │
//	            gradebook.Gradebook       └─► a teacher says yes
//
// Three rules hold for every format. A blank cell changes nothing. A row or
// cell that is not understood is named, with its place, value and reason, and
// left out; the rest goes on. Nobody's grade lands on another: where ids
// disagree the row is left out.
//
// On the way out, text that a spreadsheet would run as a formula is defused.
package exchange
