// Package e2e looks at rollcall from outside, as its users do: real processes
// of the built binary, real signals, a real browser. It imports nothing of the
// product, so nothing of the product can make a story true that is not; and it
// is a module of its own, so that a browser driver is no dependency of rollcall.
//
// # How a story is told
//
// TestMain builds the binary once. newCluster starts agents on a loopback
// address that nobody else uses, founds the gradebook and imports the sample
// school, all through the command line. A story then does something to a
// process (kill, pause, wipe, stop) or to a page (type, paste, click) while a
// traffic writes grades and log records, and in the end every grade and every
// record that was acknowledged is looked for, each exactly once.
//
// What is promised in milliseconds is measured and printed; only generous
// bounds are asserted, because the machine that runs this has other work too.
//
// # The browser
//
// Pages are opened in Debian's Chromium by chromedp. A tab fails its test on
// any violation of the pages' policy and on any error in the console that the
// story did not announce, and every page is judged by axe-core in light and in
// dark. ROLLCALL_SHOTS names a folder that keeps a picture of each page.
package e2e
