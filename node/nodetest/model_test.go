package nodetest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/anishathalye/porcupine"

	"github.com/distributedgo/rollcall/node/httpapi"
	"github.com/distributedgo/rollcall/node/nodetest"
	"github.com/distributedgo/rollcall/services/grading/gradebook"
)

// A cell of the gradebook, as its clients must see it whatever breaks: one
// register with a version. This file is the whole specification; porcupine
// searches for an order of the operations, each between its call and its
// answer, in which the register would have given just these answers.

// cellState is what a cell holds.
type cellState struct {
	version uint64
	points  gradebook.Points
}

// cellInput is one call.
type cellInput struct {
	cell   int
	write  bool
	points gradebook.Points // of a write
	base   *uint64          // If-Match of a write; nil for any version
}

// cellOutput is its answer.
type cellOutput struct {
	state   cellState // after a write; what is there, for a read and a conflict
	refused bool      // 412: the cell was not at the base
	unknown bool      // no answer ever came: it may have happened, or may happen yet
}

// cellModel is the specification of all cells, each for itself.
var cellModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byCell := map[int][]porcupine.Operation{}
		for _, op := range history {
			cell := op.Input.(cellInput).cell
			byCell[cell] = append(byCell[cell], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byCell {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return cellState{} },
	Step: func(state, input, output any) (bool, any) {
		now, in, out := state.(cellState), input.(cellInput), output.(cellOutput)
		matches := in.base == nil || *in.base == now.version
		next := cellState{now.version + 1, in.points}
		switch {
		case !in.write:
			return out.state == now, now
		case out.unknown && matches:
			return true, next
		case out.unknown:
			return true, now
		case out.refused:
			return !matches && out.state == now, now
		}
		return matches && out.state == next, next
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(cellInput), output.(cellOutput)
		text := fmt.Sprintf("read → %s @%d", out.state.points, out.state.version)
		if in.write {
			base := "any"
			if in.base != nil {
				base = fmt.Sprint(*in.base)
			}
			text = fmt.Sprintf("write %s if @%s → %s @%d", in.points, base, out.state.points, out.state.version)
		}
		switch {
		case out.unknown:
			text += " (no answer)"
		case out.refused:
			text += " (412)"
		}
		return text
	},
	DescribeState: func(state any) string {
		s := state.(cellState)
		return fmt.Sprintf("%s @%d", s.points, s.version)
	},
}

// stateOf is a score as the model has it.
func stateOf(s gradebook.Score) cellState {
	if s.Points == nil {
		return cellState{version: s.Version}
	}
	return cellState{s.Version, *s.Points}
}

// outputOf turns the end of a write into its output; ok is false for an answer
// that the specification does not know.
func outputOf(score gradebook.Score, err error) (out cellOutput, ok bool) {
	if err == nil {
		return cellOutput{state: stateOf(score)}, true
	}
	if nodetest.Again(err) {
		return cellOutput{unknown: true}, true
	}
	p, _ := errors.AsType[*httpapi.Problem](err)
	if p.Status != http.StatusPreconditionFailed {
		return cellOutput{}, false
	}
	var current gradebook.Score
	text, err := json.Marshal(p.Current) // it was decoded into maps
	if err == nil {
		err = json.Unmarshal(text, &current)
	}
	return cellOutput{state: stateOf(current), refused: true}, err == nil
}
