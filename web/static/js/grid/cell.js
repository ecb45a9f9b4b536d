// What a teacher types and what a score looks like are one small language, so
// that what is shown can be typed again:
//
//   85.5   graded          EX      excused
//   M      missing         M 5     missing, yet worth 5
//   L 8    late            I 3     incomplete, 3 so far
//   (nothing)              not graded
//
// The server writes it too (portal, cellText). Points stay text from end to
// end: a binary float would make of 0.1 + 0.2 something that no one typed.

// At most 4 decimal places: that is what the gradebook stores exactly.
const entry = /^(?:(ex|x|excused)|(?:(m|mi|missing|l|late|i|inc|incomplete)\b)?\s*(-?(?:\d{1,7}(?:[.,]\d{0,4})?|[.,]\d{1,4}))?)$/i;

const most = 1_000_000; // points of one score that the gradebook takes

const statuses = { m: "missing", l: "late", i: "incomplete" };
const marks = { missing: "M", late: "L", incomplete: "I" };

// parse reads one cell's text. It answers {points, status} as the API takes
// them, or {error} with a sentence.
export function parse(text) {
  const t = text.trim();
  const found = entry.exec(t);
  if (!found) {
    return { error: `“${t}” is not a score: type a number with at most 4 decimals, EX for excused, M for missing, L or I before late or incomplete points, or nothing.` };
  }
  const [, excused, mark, number] = found;
  if (excused) return { points: null, status: "excused" };
  const points = number === undefined ? null : plain(number);
  if (Math.abs(Number(points)) > most) return { error: `“${t}” is too much: a score has at most ${most} points.` };
  return { points, status: mark ? statuses[mark[0].toLowerCase()] : points === null ? "" : "graded" };
}

// show writes a score the way parse reads it.
export function show(score) {
  if (!score) return "";
  if (score.status === "excused") return "EX";
  return [marks[score.status], score.points].filter((s) => s !== undefined && s !== null).join(" ");
}

// plain gives each number one way to be written: -07,50 is -7.5.
function plain(number) {
  const [whole, rest = ""] = number.replace(",", ".").replace("-", "").split(".");
  const tail = rest.replace(/0+$/, "");
  const size = (whole.replace(/^0+(?=\d)/, "") || "0") + (tail && `.${tail}`);
  return number.startsWith("-") && size !== "0" ? `-${size}` : size;
}
