package gradebook

import (
	"fmt"
	"strconv"
	"strings"
)

// pointsScale is how many steps of Points make one whole point. Four decimal
// places are what a school's tools write; binary floats could hold none of
// 0.1, 0.2 or 0.3 exactly, and a sum of them would depend on its order.
const pointsScale = 10_000

// MaxPoints is the largest amount a single value may have, in either
// direction: a million points. It keeps the sum of a whole row far from the
// end of an int64.
const MaxPoints Points = 1_000_000 * pointsScale

// Points is an exact decimal with four places, counted in ten-thousandths of
// a point. It also serves for weights and bounds in percent. In JSON and in
// text it is a decimal string such as "85.5", so that no reader's float can
// bend it.
type Points int64

// ParsePoints reads a decimal with at most four places: "85.5", "-3", ".25".
// The comma is not a decimal sign here; files that use one are read by the
// exchange package. The error is an *InvalidError.
func ParsePoints(s string) (Points, error) {
	bad := func(remedy string) (Points, error) {
		return 0, &InvalidError{Field: "points", Value: s, Remedy: remedy}
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if (whole == "" && fraction == "") || (dotted && fraction == "") || !onlyDigits(whole) || !onlyDigits(fraction) {
		return bad("write a number with a decimal point, such as 85.5")
	}
	if len(fraction) > 4 {
		return bad("use at most 4 decimal places")
	}
	fraction += "0000"[len(fraction):]
	// Leading zeros are harmless but must not lengthen the number past what
	// ParseInt takes: 0085.5 is 85.5, a thousand zeros are still 0.
	n, err := strconv.ParseInt(strings.TrimLeft(whole, "0")+fraction, 10, 64)
	if err != nil || n > int64(MaxPoints) {
		return bad("use at most " + MaxPoints.String() + " points")
	}
	if negative {
		n = -n
	}
	return Points(n), nil
}

// Whole returns n whole points.
func Whole(n int64) Points { return Points(n * pointsScale) }

// String returns the shortest decimal that ParsePoints reads back as p.
func (p Points) String() string { return string(p.append(nil)) }

func (p Points) append(b []byte) []byte {
	n := uint64(p)
	if p < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/pointsScale, 10)
	rest := n % pointsScale
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for unit := uint64(pointsScale / 10); rest > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
}

// MarshalText writes the decimal; encoding/json makes a string of it.
func (p Points) MarshalText() ([]byte, error) { return p.append(nil), nil }

// UnmarshalText reads what ParsePoints reads. A bare JSON number is refused
// by encoding/json before it comes here.
func (p *Points) UnmarshalText(text []byte) error {
	v, err := ParsePoints(string(text))
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// check refuses an amount out of range. Decoded points are in range already;
// this is for those a program made itself.
func (p Points) check(field string) error {
	if p > MaxPoints || p < -MaxPoints {
		return &InvalidError{Field: field, Value: p.String(), Remedy: fmt.Sprintf("use at most %v points", MaxPoints)}
	}
	return nil
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
