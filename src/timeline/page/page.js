"use strict";
// The page: when to draw, the selection, the search, hidden kinds, and the toolbar.

const $ = (id) => document.getElementById(id);

const axis = new Axis(DATA.moments);
const layout = new Layout();

// The state that drawing depends on: the selection, the search, and hidden kinds.
const view = {
  chosen: null,
  hovered: null,
  effects: [],
  found: null,
  place: -1,
  hidden: new Set(DATA.items.some((item) => item.kind !== "latency") ? ["latency"] : []),
  shows: (item) => !view.hidden.has(item.kind),
  dims: (item) => view.found !== null && !view.found.has(item.number),
};

const plot = new Plot($("plot"), axis, layout, view);
const names = new Names($("names"), layout, fold);
const overview = new Overview($("overview"), axis);
const panel = new Panel($("panel"), $("panel-body"), (item) => choose(item, { reveal: true, open: true }));
const table = new Table(
  { rows: $("table-rows"), back: $("page-back"), on: $("page-on"), place: $("page-place"), scroll: $("table-scroll") },
  (item) => choose(item, { open: true, focusPanel: true }),
);

// ---- drawing

let waiting = false;

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    draw();
  });
}

function draw() {
  if ($("lanes").hidden) return;
  const top = $("scroll").scrollTop;
  names.draw(top, plot.height);
  plot.draw(top);
  drawRuler($("ruler"), axis);
  overview.draw();
  drawFocus(top);
}

// The selected event as an element, for the focus ring and for screen readers.
function drawFocus(top) {
  const focus = $("focus");
  const box = view.chosen && plot.box(view.chosen, top);
  focus.hidden = !box;
  if (!box) return;
  const left = Math.max(box.x, -20);
  const right = Math.min(box.x + box.width, plot.width + 20);
  Object.assign(focus.style, {
    transform: `translate(${left - 5}px, ${box.y - 5}px)`,
    width: `${Math.max(right - left, 0) + 10}px`,
    height: `${box.height + 10}px`,
  });
}

function resize() {
  const scroll = $("scroll");
  const side = $("names").offsetWidth;
  const width = Math.max(scroll.clientWidth - side, 80);
  const height = scroll.clientHeight;
  $("spacer").style.height = `${Math.max(layout.height, height)}px`;
  $("across").style.width = `${width}px`;
  $("events").style.height = `${height}px`;
  axis.resize(width);
  plot.resize(width, height);
  redraw();
}

// ---- choosing

let order = null;

// The events that the arrow keys visit, in the order of their start.
function walkable() {
  order ??= DATA.items
    .filter((item) => view.shows(item) && (layout.lineOf(item.lane) || layout.lineOf(item.node)))
    .sort((a, b) => a.from - b.from || a.run - b.run || a.lane - b.lane || a.number - b.number);
  return order;
}

function choose(item, { reveal = false, open = false, focusPanel = false } = {}) {
  view.chosen = item;
  view.effects = item ? effectsOf(item) : [];
  const focus = $("focus");
  if (item) {
    const place = walkable().indexOf(item);
    focus.setAttribute("aria-label", sentence(item));
    focus.setAttribute("aria-posinset", String(place + 1));
    focus.setAttribute("aria-setsize", String(walkable().length));
    focus.dataset.item = String(item.number);
    announce(sentence(item));
    $("events").setAttribute("aria-activedescendant", "focus");
    if (open || panel.open) {
      const was = panel.open;
      panel.item(item);
      if (!was) resize();
      if (focusPanel) panel.focus();
    }
    if (reveal || open) revealItem(item);
    remember(item);
  } else {
    $("events").removeAttribute("aria-activedescendant");
  }
  redraw();
}

function announce(text) {
  $("status").textContent = text;
}

function revealItem(item) {
  unfold(item.lane);
  axis.reveal(item.from);
  const line = layout.lineOf(item.lane) ?? layout.lineOf(item.node);
  const scroll = $("scroll");
  if (!line) return;
  const above = line.y < scroll.scrollTop;
  const below = line.y + line.height > scroll.scrollTop + plot.height;
  if (above || below) scroll.scrollTop = Math.max(line.y - (above ? 0 : Math.max(plot.height - line.height, 0) / 2), 0);
}

function remember(item) {
  try {
    history.replaceState(null, "", `#event-${item.number}`);
  } catch {
    // Some viewers do not allow this; the address then stays unchanged.
  }
}

// The next event in time.
function step(by) {
  const list = walkable();
  if (!list.length) return;
  const place = view.chosen ? list.indexOf(view.chosen) : -1;
  const next = place < 0 ? list.findIndex((item) => item.from >= axis.at(0)) : place + by;
  choose(list[Math.min(Math.max(next, 0), list.length - 1)], { reveal: true });
}

// The nearest event in a lane above or below.
function stepLane(by) {
  if (!view.chosen) return step(0);
  const own = layout.lineOf(view.chosen.lane) ?? layout.lineOf(view.chosen.node);
  const at = axis.x(view.chosen.from);
  for (let n = (own ? own.index : 0) + by; n >= 0 && n < layout.lines.length; n += by) {
    const lane = layout.lines[n].lane;
    const items = walkable().filter((item) => item.lane === lane);
    if (!items.length) continue;
    const far = (item) => Math.abs(axis.x(item.from) - at);
    return choose(items.reduce((a, b) => (far(b) < far(a) ? b : a)), { reveal: true });
  }
}

// ---- lanes

function relayout() {
  order = null;
  layout.arrange();
  names.clear();
  resize();
}

function fold(lane) {
  if (!layout.folded.delete(lane)) layout.folded.add(lane);
  relayout();
}

function unfold(lane) {
  let changed = false;
  for (let parent = DATA.lanes[lane].parent; parent !== null; parent = DATA.lanes[parent].parent) {
    changed = layout.folded.delete(parent) || changed;
  }
  if (changed) relayout();
}

function compact() {
  // Keep the lane in the middle where it is.
  const middle = layout.at($("scroll").scrollTop + plot.height / 2);
  setCompact($("compact").checked);
  $("names").classList.toggle("compact", metrics.compact);
  relayout();
  const line = middle && layout.lineOf(middle.lane);
  if (line) $("scroll").scrollTop = line.y - plot.height / 2;
}

// ---- searching

function search() {
  const text = $("search").value;
  const items = text ? searchItems(text) : null;
  view.found = items && new Set(items.map((item) => item.number));
  view.matches = items ? walkableFirst(items) : [];
  view.place = -1;
  const only = items && $("only-matches").checked;
  layout.only = only ? lanesOf(items) : null;
  relayout();
  $("matches").textContent = items ? (items.length === 1 ? "1 match" : `${items.length} matches`) : "";
  if (!$("table").hidden) showTable();
}

function walkableFirst(items) {
  return items.filter((item) => view.shows(item)).sort((a, b) => a.from - b.from || a.number - b.number);
}

// The lanes of items, and their ancestors.
function lanesOf(items) {
  const lanes = new Set();
  for (const item of items) {
    for (let lane = item.lane; lane !== null; lane = DATA.lanes[lane].parent) lanes.add(lane);
    if (item.node !== undefined) lanes.add(item.node);
  }
  return lanes;
}

function toMatch(by) {
  const matches = view.matches ?? [];
  if (!matches.length) return;
  const start = view.place < 0 && by < 0 ? 0 : view.place;
  view.place = (start + by + matches.length) % matches.length;
  $("matches").textContent = `${view.place + 1} of ${matches.length}`;
  choose(matches[view.place], { reveal: true, open: true });
}

// ---- the failure and the difference

function toMoment(moment) {
  const near = Math.max(axis.scale, axis.mode === "squeezed" ? Math.min(40, axis.most) : axis.scale);
  if (near > axis.scale && axis.width / near < axis.end) axis.scale = near;
  axis.left = axis.places[moment] - (axis.width * 0.6) / axis.scale;
  axis.clamp();
  redraw();
}

function toFailure() {
  const run = DATA.runs.findIndex((run) => run.failure);
  if (run < 0) return;
  setForm("lanes");
  const { failure } = DATA.runs[run];
  panel.failure();
  resize();
  toMoment(failedAt(DATA.runs[run]));
  const line = failure.lanes.map((lane) => layout.lineOf(lane)).find(Boolean);
  if (line) $("scroll").scrollTop = Math.max(line.y - plot.height / 3, 0);
}

function toDifference() {
  if (!DATA.difference) return;
  setForm("lanes");
  panel.difference();
  resize();
  toMoment(DATA.difference.at);
}

// ---- the toolbar

function setForm(form) {
  document.querySelector(`input[name=form][value=${form}]`).checked = true;
  $("lanes").hidden = form !== "lanes";
  $("table").hidden = form !== "table";
  if (form === "table") showTable();
  else resize();
}

function showTable() {
  const items = walkable().filter((item) => !view.dims(item));
  table.show(items, view.chosen);
}

function setScale(mode) {
  document.querySelector(`input[name=scale][value=${mode}]`).checked = true;
  axis.change(mode);
  if (view.chosen) axis.reveal(view.chosen.from);
  redraw();
}

const THEMES = ["system", "light", "dark"];

function nextTheme() {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
  root.dataset.theme = next;
  $("theme").textContent = `Theme: ${next}`;
  themed();
}

function themed() {
  readColours();
  drawLegend();
  overview.key = "";
  if (panel.open && view.chosen) panel.item(view.chosen);
  redraw();
}

function drawLegend() {
  const present = Object.keys(KINDS).filter((kind) => DATA.items.some((item) => item.kind === kind));
  $("legend").replaceChildren(
    ...present.map((kind) => {
      const count = DATA.items.filter((item) => item.kind === kind).length;
      const label = make("label", { className: "key", title: KINDS[kind].about });
      const box = make("input", { type: "checkbox", checked: !view.hidden.has(kind) });
      box.dataset.kind = kind;
      box.addEventListener("change", () => {
        if (!view.hidden.delete(kind)) view.hidden.add(kind);
        order = null;
        if (!$("table").hidden) showTable();
        redraw();
      });
      label.append(box, swatch(kind), ` ${KINDS[kind].many} `, make("span", { className: "count", textContent: String(count) }));
      return label;
    }),
  );
}

function zoom(factor, x = axis.width / 2) {
  axis.zoom(factor, x);
  redraw();
}

function zoomByKey(factor) {
  const x = view.chosen ? axis.x(view.chosen.from) : axis.width / 2;
  zoom(factor, x >= 0 && x <= axis.width ? x : axis.width / 2);
}

$("search").addEventListener("input", search);
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    toMatch(event.shiftKey ? -1 : 1);
  }
  if (event.key === "Escape") {
    $("search").value = "";
    search();
    $("events").focus();
  }
});
$("only-matches").addEventListener("change", search);
$("search-previous").addEventListener("click", () => toMatch(-1));
$("search-next").addEventListener("click", () => toMatch(1));
$("zoom-in").addEventListener("click", () => zoom(1.6));
$("zoom-out").addEventListener("click", () => zoom(1 / 1.6));
$("fit").addEventListener("click", () => {
  axis.fit();
  redraw();
});
$("compact").addEventListener("change", compact);
$("theme").addEventListener("click", nextTheme);
$("help").addEventListener("click", () => $("keys").showModal());
$("to-failure").addEventListener("click", toFailure);
$("failure-text").addEventListener("click", () => {
  panel.failure();
  panel.focus();
  resize();
});
$("to-difference").addEventListener("click", toDifference);
$("panel-close").addEventListener("click", closePanel);
document.querySelectorAll("input[name=scale]").forEach((input) => {
  input.addEventListener("change", () => setScale(input.value));
});
document.querySelectorAll("input[name=form]").forEach((input) => {
  input.addEventListener("change", () => setForm(input.value));
});

function closePanel() {
  panel.close();
  resize();
  ($("lanes").hidden ? $("table-scroll") : $("events")).focus();
}
