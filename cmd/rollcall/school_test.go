package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"strings"
	"testing"
)

// schoolPrint is the SHA-256 of the files of seed 1. It changes only when the
// sample school is changed on purpose.
const schoolPrint = "fadfe4e4a4eabfe97dad6e607b52e9c69689ba342cea8b3d1e4b6a46e52b8af5"

func TestSampleSchoolIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	sum := func(seed uint64) string {
		var b bytes.Buffer
		for _, c := range sampleSchool(seed) {
			if err := c.WriteCanvas(&b); err != nil {
				t.Fatal(err)
			}
		}
		all := sha256.Sum256(b.Bytes())
		return hex.EncodeToString(all[:])
	}
	if got := sum(1); got != schoolPrint {
		t.Errorf("seed 1 gives %s, want %s", got, schoolPrint)
	}
	if sum(2) == sum(1) {
		t.Error("another seed gives the same school")
	}
}

func TestSampleSchoolIsTheSizePromised(t *testing.T) {
	t.Parallel()
	school := sampleSchool(1)
	if len(school) != 6 {
		t.Fatalf("%d courses, want 6", len(school))
	}
	students, numbers, logins, scores := map[string]bool{}, map[int]string{}, map[string]bool{}, 0
	for _, c := range school {
		sections, weight := map[string]bool{}, 0
		for _, s := range c.Students {
			who := s.First + " " + s.Last
			students[who], sections[s.Section], logins[s.Login] = true, true, true
			if other, taken := numbers[s.Number]; taken && other != who {
				t.Errorf("number %d is that of %s and of %s", s.Number, other, who)
			}
			numbers[s.Number] = who
			if strings.Trim(s.Login, "abcdefghijklmnopqrstuvwxyz.") != "" {
				t.Errorf("login %q has other letters than a to z", s.Login)
			}
		}
		if len(sections) != 2 {
			t.Errorf("%s has %d sections, want 2", c.Code, len(sections))
		}
		plan, err := c.plan()
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range plan {
			weight += int(g.category.Weight / 10000)
			if len(g.assignments) != len(c.Categories[i].Assignments) {
				t.Errorf("%s: the plan lost assignments", c.Code)
			}
		}
		if want := map[bool]int{true: 100, false: 0}[c.Weighted]; weight != want {
			t.Errorf("%s: weights sum to %d, want %d", c.Code, weight, want)
		}
		var b bytes.Buffer
		if err := c.WriteCanvas(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[2:] {
			for _, cell := range row[5:35] {
				if cell != "" {
					scores++
				}
			}
		}
	}
	if len(students) != 120 || len(logins) != 120 || scores < 9_900 || scores > 10_500 {
		t.Errorf("%d students, %d logins, %d scores; want 120, 120 and about 10 000", len(students), len(logins), scores)
	}
}
