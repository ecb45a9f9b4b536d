package gradebook

import (
	"math/big"
	"strconv"
	"strings"
)

// percent is a percentage as it is shown: rounded to hundredths, half away
// from zero. Making one is the only rounding in the arithmetic, and comes last.
type percent int64

// mostPercent bounds what is compared and summed: a divisor of a
// ten-thousandth of a point can make a percentage of any size.
const mostPercent percent = 1_000_000_000_000

// ofRatio rounds a/b. Whole sums of points need no big numbers: a is at most
// 10^13, a thousand assignments of a million points each.
func ofRatio(a, b int64) percent { return percent(halfAway(a*100*100, b)) }

// halfAway divides and rounds half away from zero; b is positive.
func halfAway(a, b int64) int64 {
	if a < 0 {
		return -halfAway(-a, b)
	}
	return (2*a + b) / (2 * b)
}

// ofRat rounds r. What does not fit becomes the largest there is.
func ofRat(r *big.Rat) percent {
	text := new(big.Rat).Mul(r, big.NewRat(100, 1)).FloatString(2)
	n, _ := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
	return percent(n)
}

// points returns the percentage to compare with a letter's bound.
func (p percent) points() Points {
	return Points(max(-mostPercent, min(p, mostPercent))) * (pointsScale / 100)
}

// percentText returns "58.33"; nil when there is no percentage.
func percentText(p percent, ok bool) *string {
	if !ok {
		return nil
	}
	n := uint64(p)
	b := make([]byte, 0, 8)
	if p < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/100, 10)
	b = append(b, '.', byte('0'+n/10%10), byte('0'+n%10))
	text := string(b)
	return &text
}
