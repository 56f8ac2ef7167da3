"use strict";
// The data of the page and its formatting as text. Nothing here changes what is
// displayed.

const DATA = JSON.parse(document.getElementById("picture").textContent);
const RUNS = DATA.runs.length;

// The kinds of items, in the order of the legend.
const KINDS = {
  turn: { name: "Turn", many: "Turns", about: "from lock to ack" },
  activity: { name: "Activity", many: "Activities", about: "attempts, with the preceding time in the queue" },
  timer: { name: "Timer", many: "Timers", about: "from creation to delivery" },
  wait: { name: "Wait", many: "Waits", about: "for an event or a queue" },
  child: { name: "Child", many: "Children", about: "waits for a sub-orchestration" },
  event: { name: "Message", many: "Messages", about: "starts, events, cancellations" },
  end: { name: "End", many: "Ends", about: "of an instance or an execution" },
  call: { name: "Call", many: "Other calls", about: "reads by clients, and refused calls" },
  node: { name: "Node", many: "Node events", about: "crashes, outages, stalls, clocks, restarts" },
  fault: { name: "Fault", many: "Faults", about: "of single calls" },
  latency: { name: "Latency", many: "Latencies", about: "calls that were only delayed" },
  law: { name: "Broken law", many: "Broken laws", about: "" },
  log: { name: "Log", many: "Logs", about: "lines that the code logged, those of one moment together" },
  effect: { name: "Effect", many: "Effects", about: "of activities on the outside world" },
};

const STATES = {
  fine: "",
  failed: "failed",
  cancelled: "cancelled",
  lost: "lost",
  refused: "refused",
  open: "not ended",
  waiting: "not begun",
};

const BARS = new Set(["turn", "activity", "timer", "wait", "child"]);

DATA.items.forEach((item, number) => {
  item.number = number;
  item.node_row = item.node_row || 0;
});

function runName(run) {
  return RUNS > 1 ? "AB"[run] : "";
}

// The moment of a failure: that of its cause, if it is known.
function failedAt(run) {
  return run.failure.cause?.at ?? run.failure.at;
}

function two(number) {
  return String(number).padStart(2, "0");
}

// The shortest exact form of a duration in milliseconds.
function span(ms) {
  const days = Math.floor(ms / 86400000);
  const h = Math.floor(ms / 3600000) % 24;
  const m = Math.floor(ms / 60000) % 60;
  const s = Math.floor(ms / 1000) % 60;
  const rest = ms % 1000;
  const tail = rest ? "." + String(rest).padStart(3, "0") : "";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60000) return `${s}${tail} s`;
  if (!days && !h) return s || tail ? `${m} min ${s}${tail} s` : `${m} min`;
  if (!days) return `${h}:${two(m)}:${two(s)}${tail} h`;
  const clock = h || m || s || tail ? ` ${h}:${two(m)}:${two(s)}${tail} h` : "";
  return `${days} d${clock}`;
}

// A duration as one round number.
function roughly(ms) {
  const [unit, name] = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]].find(([unit]) => ms >= unit * 0.99) ?? [1, "ms"];
  return `${Math.round(ms / unit)} ${name}`;
}

// A time since the start: +1d 02:03:04.005.
function since(ms) {
  const days = Math.floor(ms / 86400000);
  const h = Math.floor(ms / 3600000) % 24;
  const m = Math.floor(ms / 60000) % 60;
  const s = Math.floor(ms / 1000) % 60;
  const tail = String(ms % 1000).padStart(3, "0");
  if (days) return `+${days}d ${two(h)}:${two(m)}:${two(s)}.${tail}`;
  if (h) return `+${h}:${two(m)}:${two(s)}.${tail}`;
  if (m) return `+${m}:${two(s)}.${tail}`;
  return `+${s}.${tail}`;
}

// The virtual wall clock.
function wallClock(run, ms) {
  const date = new Date(DATA.runs[run].started + ms);
  return isNaN(date) ? "" : date.toISOString().replace("T", " ").replace("Z", " UTC");
}

// A text that cannot affect the text around it: control characters and those that
// change the writing direction are shown as escapes.
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu, (c) => {
    return `‹U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`;
  });
}

function laneName(lane) {
  return DATA.lanes[lane].name;
}

// An item as a sentence, for tooltips and screen readers.
function sentence(item) {
  const lane = DATA.lanes[item.lane];
  const place = lane.kind === "instance" ? lane.name : `${lane.kind} ${lane.name}`;
  const by = item.node === undefined ? "" : ` by ${laneName(item.node)}`;
  const from = DATA.moments[item.from];
  const lasts = DATA.moments[item.to] - from;
  const state = STATES[item.state] ? `, ${STATES[item.state]}` : "";
  const run = RUNS > 1 ? `Run ${runName(item.run)}. ` : "";
  const length = BARS.has(item.kind) && lasts ? `, lasts ${span(lasts)}` : "";
  return visible(`${run}${KINDS[item.kind].name} ${item.label}, ${place}${by}, at ${since(from)}${length}${state}`);
}

// The calls, one JSON line each, which are parsed on demand.
const callLines = [];

function linesOf(run) {
  callLines[run] ??= document.getElementById(`calls-${run}`).textContent.split("\n").slice(1);
  return callLines[run];
}

function callOf(run, line) {
  return JSON.parse(linesOf(run)[line]);
}

// The searchable text of each item, in lower case. Calls are searched in their JSON
// form, and so the search term is converted to JSON too.
let haystack = null;

function searchItems(text) {
  const plain = text.toLowerCase();
  const json = JSON.stringify(plain).slice(1, -1).replaceAll("<", "\\u003c");
  haystack ??= {
    items: DATA.items.map((item) => {
      const lanes = [item.lane, item.node].filter((lane) => lane !== undefined).map((lane) => DATA.lanes[lane]);
      const names = lanes.map((lane) => `${lane.name} ${lane.about}`).join(" ");
      return `${KINDS[item.kind].name} ${STATES[item.state]} ${item.label} ${item.note || ""} ${names}`.toLowerCase();
    }),
    calls: DATA.runs.map((_, run) => linesOf(run).map((line) => line.toLowerCase())),
  };
  const hits = haystack.calls.map((lines) => lines.map((line) => line.includes(json)));
  return DATA.items.filter((item) => {
    return haystack.items[item.number].includes(plain) || item.calls.some((line) => hits[item.run][line]);
  });
}
