// Package gradebook is the school's record as a pure value: accounts, courses,
// students, scores and the history of every one of them, and the arithmetic
// that turns scores into grades.
//
// It is the state of a replicated state machine. Every grading node holds one
// [Book] and gives it the same changes in the same order, so all books are the
// same book (Lamport 1978; Schneider, "Implementing Fault-Tolerant Services
// Using the State Machine Approach", 1990). For that to hold nothing here may
// depend on where or when it runs: no clock, no random number, no file, no
// socket, and no map whose order shows. What a change needs of the outside
// world, its time and its author, travels in the [Meta] beside it.
//
// The path of one grade:
//
//	SetScore ──Encode──► bytes ──(the log, agreed on)──► Decode ──► Book.Apply
//	                                                                  │
//	        draft: copies of the touched parts, checked and changed ◄─┤
//	                                                                  │
//	   error: the draft is dropped      no error: the draft is the book
//
// A state is never changed once it is the book. Apply makes a draft that
// shares every untouched part with the state before it and copies what it
// touches: a course, one row of it, one cell. Three things follow at no
// further cost. A change is applied whole or not at all; [Book.Freeze] is
// handing out a pointer; and whoever reads a [Frozen] view, a snapshot being
// written for a minute too, is never disturbed by the writes that go on.
//
// The one thing that survives a refused change is the refusal: a score that
// lost against a colleague's newer one stays in the history, so that both
// values can be seen and the right one be chosen (see [ConflictError]).
//
// Points are exact decimals; totals are computed with math/big.Rat and
// rounded once, at the end.
package gradebook
