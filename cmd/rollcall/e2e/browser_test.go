package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// newBrowser starts Chromium. Where there is none the test fails: a browser
// test that is skipped proves nothing.
func newBrowser(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.NoSandbox, chromedp.WindowSize(1280, 800), chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true)))
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("Chromium does not start: %v; on Debian: apt-get install -y --no-install-recommends chromium fonts-dejavu-core", err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	return ctx
}

// tab is one person at one browser of their own: no cookie is shared.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	faults   []string // violations and errors that the page reported
	expected []string // parts of errors that the story announced
}

// watchdog runs in each page before its own scripts.
const watchdog = `addEventListener("securitypolicyviolation", (e) =>
	console.error("policy violation: " + e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber))`

// newTab opens a browser window of its own. It fails the test when a page
// breaks its policy or writes an error to the console.
func newTab(t testing.TB, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	b := &tab{t: t, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			if !slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(f, part) }) {
				t.Errorf("the page reported: %s", f)
			}
		}
	})
	must(t, chromedp.Do(ctx))
	must(t, chromedp.Listen(ctx, b.hear))
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchdog})
	must(t, err)
	b.scheme("light")
	return b
}

// hear is told of every event of the page.
func (b *tab) hear(ev any) {
	fault := ""
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		fault = "exception: " + ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			fault += " " + e.Description
		}
	case *runtime.EventConsoleAPICalled:
		if ev.Type != runtime.ConsoleAPICalledTypeError && ev.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		fault = "console:"
		for _, a := range ev.Args {
			fault += " " + a.Description + string(a.Value)
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level != log.EntryLevelError {
			return
		}
		fault = fmt.Sprintf("%s: %s %s", ev.Entry.Source, ev.Entry.Text, ev.Entry.URL)
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fault)
}

// expect announces errors that belong to the story, such as the refused
// connections to a node that is killed.
func (b *tab) expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, parts...)
}

// do takes steps in the page, within 15 s.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("in the browser: %v\n%s", err, b.describe())
	}
}

// open goes to a page of a node.
func (b *tab) open(p *process, path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(p.url() + path))
}

func (b *tab) click(css string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(css)))
}

func (b *tab) text(css string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf(`(document.querySelector(%s)?.textContent ?? "").replace(/\s+/g, " ").trim()`, quote(css)))
}

func (b *tab) has(css string) bool {
	b.t.Helper()
	return eval[bool](b, fmt.Sprintf(`!!document.querySelector(%s)`, quote(css)))
}

// until waits until a JavaScript expression is true.
func (b *tab) until(limit time.Duration, js string) time.Duration {
	b.t.Helper()
	took, err := await(limit, func() error {
		ok, err := try[bool](b, "Boolean("+js+")")
		if err == nil && !ok {
			err = errors.New("it is not so")
		}
		return err
	})
	if err != nil {
		b.t.Fatalf("%s: not within %v: %v; the page: %s", js, limit, err, b.describe())
	}
	return took
}

// see waits until the element's text contains some words.
func (b *tab) see(limit time.Duration, css, words string) time.Duration {
	b.t.Helper()
	return eventually(b.t, limit, fmt.Sprintf("%q in %s", words, css), func() error {
		text, err := try[string](b, fmt.Sprintf(`[...document.querySelectorAll(%s)].map((e) => e.textContent).join(" ").replace(/\s+/g, " ")`, quote(css)))
		if err == nil && !strings.Contains(text, words) {
			err = fmt.Errorf("it says %.400q", text)
		}
		return err
	})
}

// eval reads a value from the page; try does so without ending the test.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	v, err := try[T](b, js)
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

func try[T any](b *tab, js string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

// describe says where the page is, for a failure.
func (b *tab) describe() string {
	text, err := try[string](b, `location.href + "\n" + document.body.innerText.slice(0, 1500)`)
	return fmt.Sprint(text, " ", err)
}

// scheme asks for light or dark, and for no animations: a page is judged as it
// stands, not halfway.
func (b *tab) scheme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	must(b.t, err)
}

// size makes the window a desk's or a phone's.
func (b *tab) desk() { b.t.Helper(); b.do(chromedp.EmulateViewport(1280, 800)) }
func (b *tab) phone() {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// shots is where pictures go.
func shots(t testing.TB) string {
	dir := os.Getenv("ROLLCALL_SHOTS")
	if dir == "" {
		return t.TempDir()
	}
	must(t, os.MkdirAll(dir, 0o755))
	return dir
}

func (b *tab) shoot(dir, name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	must(b.t, err)
	must(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// signIn goes to a page by way of the sign-in form.
func (b *tab) signIn(p *process, name, password string) {
	b.t.Helper()
	b.open(p, "/signin")
	b.fill("#name", name)
	b.fill("#password", password)
	b.click("#signin button")
	b.until(10*time.Second, `document.querySelector("#who")`)
}

// fill types into an empty or filled field, as a person who selects all first.
func (b *tab) fill(css, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(css)), chromedp.Clear(chromedp.CSS(css)), chromedp.SendKeys(chromedp.CSS(css), text))
}
