package e2e

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// portal is a school on three nodes, and a browser.
type portal struct {
	t       testing.TB
	c       *cluster
	browser context.Context
	shots   string
}

// TestBrowser tells what people see who use the portal while nodes die. The
// stories share the cluster, and each leaves it well.
func TestBrowser(t *testing.T) {
	o := &portal{t: t, c: newCluster(t, 3, "MATH-7", "SCI-7", "HIST-8"), browser: newBrowser(t), shots: shots(t)}
	for _, story := range []struct {
		name string
		tell func(*portal)
	}{
		{"sign in and out", (*portal).signInAndOut},
		{"an edit is seen at another node", (*portal).editSeenElsewhere},
		{"a block is pasted", (*portal).pasteBlock},
		{"two people, one cell", (*portal).conflict},
		{"the leader dies under an edit", (*portal).leaderDies},
		{"the page's own node dies under an edit", (*portal).ownNodeDies},
		{"import", (*portal).imports},
		{"a student's page", (*portal).student},
		{"logs", (*portal).logs},
		{"every page, light, dark and narrow", (*portal).pages},
		{"the cluster page sees a node die", (*portal).clusterLive},
	} {
		t.Run(story.name, func(t *testing.T) {
			told := *o
			told.t, told.c = t, o.c.told(t)
			story.tell(&told)
		})
	}
}

// teacher is a tab in which the teacher is signed in at a node.
func (o *portal) teacher(p *process) *tab {
	o.t.Helper()
	b := newTab(o.t, o.browser)
	b.signIn(p, "teacher", teacherPassword)
	return b
}

func (o *portal) admin(p *process) *tab {
	o.t.Helper()
	b := newTab(o.t, o.browser)
	b.signIn(p, "admin", adminPassword)
	return b
}

func (o *portal) signInAndOut() {
	n1, n2 := o.c.nodes[0], o.c.nodes[1]
	b := newTab(o.t, o.browser)
	b.expect("401") // the browser notes the refusal

	b.open(n1, "/courses/c1")
	b.until(5*time.Second, `location.pathname === "/signin"`)
	b.fill("#name", "teacher")
	b.fill("#password", "not the password")
	b.click("#signin button")
	b.see(10*time.Second, "main", "do not belong together")
	if b.has("#who") {
		o.t.Error("a wrong password signs in")
	}
	b.fill("#password", teacherPassword)
	b.click("#signin button")
	b.until(10*time.Second, `document.querySelector("#grid")?.dataset.ready`)
	if got := b.text("#who"); !strings.Contains(got, "teacher") {
		o.t.Errorf("signed in as %q", got)
	}
	b.open(n2, "/courses")
	b.see(5*time.Second, "#courses", "Mathematics 7")

	b.click("#signout")
	b.until(10*time.Second, `!document.querySelector("#who")`)
	for _, p := range []*process{n1, n2} {
		b.open(p, "/courses")
		b.until(5*time.Second, `location.pathname === "/signin"`)
	}
}

// course opens the gradebook of the first course.
func (b *tab) course(p *process) {
	b.t.Helper()
	b.open(p, "/courses/c1")
	b.until(10*time.Second, `document.querySelector("#grid")?.dataset.ready`)
}

// cell is the selector of one score's input.
func cell(student, assignment string) string {
	return fmt.Sprintf(`input[aria-labelledby="%s %s"]`, student, assignment)
}

// enter puts text into a cell, as a person does: a click, the keys.
func (b *tab) enter(css, keys string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(chromedp.CSS(css)), chromedp.Click(chromedp.CSS(css)), chromedp.SendKeys(chromedp.CSS(css), keys))
}

// state waits until the background save of a cell stands so.
func (b *tab) state(limit time.Duration, css, state string) time.Duration {
	b.t.Helper()
	return eventually(b.t, limit, css+" is "+state, func() error {
		now, err := try[string](b, fmt.Sprintf(`((i) => (i.closest("td").dataset.state ?? "untouched") + " with " + i.value)(document.querySelector(%s))`, quote(css)))
		if err == nil && !strings.HasPrefix(now, state+" ") {
			err = fmt.Errorf("it is %s; %s", now, b.text("#savestate"))
		}
		return err
	})
}

// below is the student in the next row.
func (b *tab) below(student string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`document.querySelector('#grid tr[data-s="%s"]').nextElementSibling.dataset.s`, student))
}

func (b *tab) value(css string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`document.querySelector(%s).value`, quote(css)))
}

// changes are what the history says that one cell became, newest first. Values
// that were refused in a conflict stand there too, as another kind.
func (o *portal) changes(student, assignment string) (points []string) {
	o.t.Helper()
	var page struct {
		Events []struct {
			Kind  string
			After *struct{ Points string }
		}
	}
	eventually(o.t, 10*time.Second, "the history is read", func() error {
		return o.c.get(o.c.running()[0], fmt.Sprintf("/v1/courses/c1/history?student=%s&assignment=%s", student, assignment), &page)
	})
	for _, e := range page.Events {
		if e.After != nil && e.Kind != "refused" {
			points = append(points, e.After.Points)
		}
	}
	return points
}

func (o *portal) editSeenElsewhere() {
	at := cell("s1", "a1")
	here, there := o.teacher(o.c.nodes[0]), o.admin(o.c.nodes[1])
	here.course(o.c.nodes[0])
	there.course(o.c.nodes[1])
	before := here.text(`tr[data-s="s1"] [data-total="current"]`)

	here.enter(at, "3.5\n")
	saved := here.state(5*time.Second, at, "saved")
	if focus, want := eval[string](here, `document.activeElement.getAttribute("aria-labelledby")`), here.below("s1")+" a1"; focus != want {
		o.t.Errorf("Enter goes to %q, want %q, one down", focus, want)
	}
	totals := here.until(10*time.Second, fmt.Sprintf(`document.querySelector('tr[data-s="s1"] [data-total="current"]').textContent.trim() !== %s`, quote(before)))

	last := eval[string](here, `document.querySelector("#grid tbody tr:last-child").dataset.s`)
	here.enter(cell(last, "a1"), "2.25\n")
	here.state(5*time.Second, cell(last, "a1"), "saved") // Enter saves in the last row too

	third := o.teacher(o.c.nodes[2])
	third.course(o.c.nodes[2])
	if got := third.value(at); got != "3.5" {
		o.t.Errorf("a page loaded at n3 after the save shows %q", got)
	}
	shown := there.until(15*time.Second, fmt.Sprintf(`document.querySelector(%s).value === "3.5"`, quote(at)))
	there.state(time.Second, at, "changed")
	measured(o.t, "an edit: saved after %v, totals after %v, on an open page at another node after %v", round(saved), round(totals), round(shown))
}

func (o *portal) pasteBlock() {
	b := o.teacher(o.c.nodes[1])
	b.course(o.c.nodes[1])
	b.do(chromedp.ScrollIntoView(chromedp.CSS(cell("s3", "a2"))), chromedp.Click(chromedp.CSS(cell("s3", "a2"))))
	eval[bool](b, `(() => {
		const data = new DataTransfer();
		data.setData("text/plain", "7\t8,5\tEX\r\n9\tM\t\r\n");
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
		return true;
	})()`)
	next := b.below("s3")
	for css, want := range map[string]string{
		cell("s3", "a2"): "7", cell("s3", "a3"): "8.5", cell("s3", "a4"): "EX",
		cell(next, "a2"): "9", cell(next, "a3"): "M", cell(next, "a4"): "",
	} {
		b.until(10*time.Second, fmt.Sprintf(`["saved", undefined].includes(document.querySelector(%s).closest("td").dataset.state)`, quote(css)))
		if got := b.value(css); got != want {
			o.t.Errorf("%s shows %q, want %q", css, got, want)
		}
	}
	b.see(5*time.Second, "#savestate", "All changes saved")
	b.course(o.c.nodes[2])
	if got := b.value(cell(next, "a3")); got != "M" {
		o.t.Errorf("at another node the cell shows %q", got)
	}
}

func (o *portal) conflict() {
	at := cell("s5", "a5")
	mine, theirs := o.teacher(o.c.nodes[0]), o.admin(o.c.nodes[2])
	mine.course(o.c.nodes[0])
	theirs.course(o.c.nodes[2])
	settle := func(words, choice string, ours, other, want string) {
		mine.enter(at, ours) // typed, not yet left
		theirs.enter(at, other+"\n")
		theirs.state(5*time.Second, at, "saved")
		mine.do(chromedp.SendKeys(chromedp.CSS(at), "\n"))
		mine.state(5*time.Second, at, "conflict")
		mine.see(time.Second, "#savestate", "1 conflict")
		mine.click("#showconflicts")
		mine.see(time.Second, "#conflicts li", words)
		mine.accessible("the conflict dialog")
		mine.shoot(o.shots, "conflict")
		mine.click(fmt.Sprintf(`#conflicts [data-choose="%s"]`, choice))
		mine.see(5*time.Second, "#savestate", "All changes saved")
		if got := mine.value(at); got != want {
			o.t.Errorf("after %q the cell shows %q, want %q", choice, got, want)
		}
		theirs.course(o.c.nodes[2])
		if got := theirs.value(at); got != want {
			o.t.Errorf("after %q the other page shows %q, want %q", choice, got, want)
		}
	}
	settle("Ada Admin", "mine", "6.25", "4.75", "6.25")
	settle("Ada Admin", "theirs", "6.5", "4.5", "4.5")
	if got := o.changes("s5", "a5"); !slices.Equal(got[:3], []string{"4.5", "6.25", "4.75"}) {
		o.t.Errorf("the history of the cell is %q", got)
	}
}

// leaderDies: a typed value is saved once though the node that leads dies at
// that moment.
func (o *portal) leaderDies() {
	leader := o.c.leader()
	p := o.c.others(leader)[0]
	at := cell("s7", "a6")
	b := o.teacher(p)
	b.expect("503") // an answer without a leader; the page tries again
	b.course(p)
	eval[bool](b, fmt.Sprintf(`(() => {
		const td = document.querySelector(%s).closest("td");
		window.states = [];
		new MutationObserver(() => states.push(td.dataset.state)).observe(td, {attributeFilter: ["data-state"]});
		return true;
	})()`, quote(at)))
	leader.kill(o.t)
	b.enter(at, "1.75\n")
	saved := b.state(15*time.Second, at, "saved")
	states := slices.Compact(eval[[]string](b, "states"))
	if states[0] != "saving" || states[len(states)-1] != "saved" {
		o.t.Errorf("the cell went through %q", states)
	}
	if got := o.changes("s7", "a6"); got[0] != "1.75" || slices.Contains(got[1:], "1.75") {
		o.t.Errorf("the history of the cell is %q: the new value must be there exactly once", got)
	}
	leader.start(o.t)
	o.c.healthy()
	measured(o.t, "typed as the leader died: saved after %v, through %q", round(saved), states)
}

// ownNodeDies: a value typed while the page's own node is dead is kept, and
// saved once when that is back.
func (o *portal) ownNodeDies() {
	p := o.c.leader() // at worst it leads as well
	at := cell("s9", "a7")
	b := o.teacher(p)
	b.expect("net::ERR_", "503")
	b.course(p)
	p.kill(o.t)
	b.enter(at, "2.75\n")
	b.state(10*time.Second, at, "retrying")
	b.see(time.Second, "#savestate", "1 value kept here")
	start := time.Now()
	p.start(o.t)
	b.state(20*time.Second, at, "saved")
	back := time.Since(start)
	b.see(5*time.Second, "#savestate", "All changes saved")
	if got := o.changes("s9", "a7"); got[0] != "2.75" || slices.Contains(got[1:], "2.75") {
		o.t.Errorf("the history of the cell is %q: the new value must be there exactly once", got)
	}
	o.c.healthy()
	measured(o.t, "typed while the page's own node was dead: saved %v after its start", round(back))
}

func (o *portal) imports() {
	b := o.teacher(o.c.nodes[2])
	b.open(o.c.nodes[2], "/courses/c1/import")
	file, was := o.changedExport("9.25")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
	b.click("#preview")
	b.until(10*time.Second, `document.querySelector("#diff")`)
	for count, want := range map[string]string{"changes": "1", "students": "0", "assignments": "0", "faults": "0"} {
		if got := b.text(fmt.Sprintf(`[data-count="%s"]`, count)); got != want {
			o.t.Errorf("the dry run counts %s %s, want %s", got, count, want)
		}
	}
	if got := b.text("#changes tbody"); !strings.Contains(got, was) || !strings.Contains(got, "9.25") {
		o.t.Errorf("the diff says %q, want %s to become 9.25", got, was)
	}
	book := o.c.book(o.t)
	row, column := book.Rows[0], book.Assignments[0].ID
	if got := row.Scores[column].Points; got == "9.25" {
		o.t.Error("the dry run wrote")
	}
	for _, scheme := range []string{"dark", "light"} {
		b.scheme(scheme)
		b.accessible("import, dry run, " + scheme)
		b.shoot(o.shots, "import-diff-"+scheme)
	}
	b.click("#apply")
	b.until(10*time.Second, `document.querySelector("#imported")`)
	b.accessible("import, done")
	b.course(o.c.nodes[0])
	if got := b.value(cell(row.Student.ID, column)); got != "9.25" {
		o.t.Errorf("after the import the cell shows %q", got)
	}
}

// changedExport writes the course as Canvas CSV with another first score, and
// returns the file and the score that was.
func (o *portal) changedExport(score string) (file, was string) {
	o.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(o.c.cli("", "grades", "export", "MATH-7"))).ReadAll()
	must(o.t, err)
	column := slices.IndexFunc(rows[0], func(h string) bool { return strings.HasPrefix(h, "Homework 1 ") || h == "Homework 1" })
	row := slices.IndexFunc(rows, func(r []string) bool { return len(r[1]) > 0 && r[1] != "ID" })
	if column < 0 || row < 0 {
		o.t.Fatalf("the export has the columns %q", rows[0])
	}
	was, rows[row][column] = rows[row][column], score
	file = filepath.Join(o.t.TempDir(), "math-7.csv")
	out, err := os.Create(file)
	must(o.t, err)
	must(o.t, csv.NewWriter(out).WriteAll(rows))
	must(o.t, out.Close())
	return file, was
}

func (o *portal) student() {
	b := o.teacher(o.c.nodes[1])
	b.course(o.c.nodes[1])
	name := b.text("th#s2 a")
	b.click("th#s2 a")
	b.until(10*time.Second, `document.querySelector("#studentname")`)
	if got := b.text("#studentname"); got == "" || !strings.Contains(name, strings.Fields(got)[0]) && !strings.Contains(got, strings.Split(name, ",")[0]) {
		o.t.Errorf("the page of %q is headed %q", name, got)
	}
	b.see(time.Second, "#course-c1", "Homework 1")

	o.c.run("a student's long password\n", o.c.nodes[0].http, "accounts", "create", "pupil", "--role", "student", "--student", "s2", "--display", "Petra Pupil")
	s := newTab(o.t, o.browser)
	s.expect("403", "404")
	s.signIn(o.c.nodes[0], "pupil", "a student's long password")
	s.open(o.c.nodes[0], "/students/s2")
	s.see(5*time.Second, "main", "Homework 1")
	s.accessible("a student's own page")
	s.shoot(o.shots, "student-own")
	s.open(o.c.nodes[0], "/students/s3")
	s.until(5*time.Second, `document.querySelector("#error")`)
}

func (o *portal) logs() {
	p := o.c.nodes[0]
	line := `{"level":"warn","msg":"the boiler is cold","room":"B12"}` + "\n" + `{"level":"info","msg":"the boiler is warm","room":"B12"}`
	must(o.t, call(patient, p, "", "POST", "/v1/ingest?service=boiler", "", line, nil))
	b := o.admin(o.c.nodes[2])
	eventually(o.t, 10*time.Second, "both records are found", func() error {
		b.open(o.c.nodes[2], "/logs?service=boiler")
		if n := eval[int](b, `document.querySelectorAll("#records tbody tr").length`); n != 2 {
			return fmt.Errorf("%d records", n)
		}
		return nil
	})
	b.fill("#contains", "cold")
	b.fill("#field", "room=B12")
	b.click("#search button")
	b.until(10*time.Second, `document.querySelectorAll("#records tbody tr").length === 1`)
	b.see(time.Second, "#records", "the boiler is cold")
	b.see(time.Second, "#complete", "complete")
	b.fill("#contains", "nothing has this")
	b.click("#search button")
	b.see(10*time.Second, "#norecords", "No records match")
}

// pages looks at every page in light and dark and on a phone.
func (o *portal) pages() {
	p := o.c.nodes[0]
	guest, teacher, admin := newTab(o.t, o.browser), o.teacher(p), o.admin(p)
	admin.expect("404")
	for _, page := range []struct {
		name, path, ready string
		tab               *tab
	}{
		{"signin", "/signin", `document.querySelector("#signin")`, guest},
		{"courses", "/courses", `document.querySelector("#courses")`, teacher},
		{"courses-admin", "/courses", `document.querySelector("#courses")`, admin},
		{"gradebook", "/courses/c1", `document.querySelector("#grid")?.dataset.ready`, teacher},
		{"import", "/courses/c1/import", `document.querySelector("#drop")`, teacher},
		{"student", "/students/s1", `document.querySelector("#studentname")`, teacher},
		{"cluster", "/cluster", `document.querySelector("#timeline li") && document.querySelector("#live").dataset.state === "live"`, admin},
		{"logs", "/logs", `document.querySelector("#complete")`, admin},
		{"missing", "/no/such/page", `document.querySelector("#error")`, admin},
	} {
		b := page.tab
		b.desk()
		b.scheme("light")
		b.open(p, page.path)
		b.until(10*time.Second, page.ready)
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			b.accessible(page.name + ", " + scheme)
			b.shoot(o.shots, page.name+"-"+scheme)
		}
		b.phone()
		b.open(p, page.path)
		b.until(10*time.Second, page.ready)
		if wide := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			o.t.Errorf("%s is %d pixels wider than a phone", page.name, wide)
		}
		b.scheme("light")
		b.accessible(page.name + ", narrow")
		b.shoot(o.shots, page.name+"-phone")
	}
}

// clusterLive keeps the cluster page open while a node is killed and comes
// back.
func (o *portal) clusterLive() {
	p := o.c.lead()
	victim := o.c.others(p)[0]
	b := o.admin(p)
	b.open(p, "/cluster")
	row := fmt.Sprintf(`tr[data-name="%s"]`, victim.name)
	b.see(5*time.Second, row+" .state", "alive")
	b.until(10*time.Second, `document.querySelector("#live").dataset.state === "live"`)
	eval[bool](b, "window.loadedOnce = true")

	victim.kill(o.t)
	died := b.see(10*time.Second, row+" .state", "failed")
	b.see(5*time.Second, ".ring .failed", victim.name)
	b.see(5*time.Second, `#timeline [data-kind="failed"]`, victim.name)
	headline := b.text("#headline")
	b.accessible("cluster, a node failed")
	b.shoot(o.shots, "cluster-failed-light")
	b.scheme("dark")
	b.accessible("cluster, a node failed, dark")
	b.shoot(o.shots, "cluster-failed-dark")

	victim.start(o.t)
	back := b.see(15*time.Second, row+" .state", "alive")
	if !eval[bool](b, "window.loadedOnce === true") {
		o.t.Error("the page was loaded again")
	}
	o.c.healthy()
	measured(o.t, "the cluster page shows %s failed after %v (%q), alive again %v after its start", victim.name, round(died), headline, round(back))
}
