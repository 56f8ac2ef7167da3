"use strict";
// The visible lanes and their positions, their names, the ruler, and the overview
// above it.

class Layout {
  constructor() {
    this.folded = new Set();
    this.only = null;
    this.arrange();
  }

  // Lays out the lanes that are neither collapsed nor hidden.
  arrange() {
    this.lines = [];
    this.byLane = new Map();
    let y = 0;
    const hidden = new Set();
    DATA.lanes.forEach((lane, number) => {
      const under = lane.parent;
      if (under !== null && (hidden.has(under) || this.folded.has(under))) {
        hidden.add(number);
        return;
      }
      if (this.only && !this.only.has(number)) return;
      const height = RUNS * lane.rows * metrics.row + (RUNS - 1) * 2 + 2 * metrics.pad;
      const line = { lane: number, y, height, index: this.lines.length };
      this.lines.push(line);
      this.byLane.set(number, line);
      y += height;
    });
    this.height = y;
  }

  offset(line, run) {
    return metrics.pad + run * (DATA.lanes[line.lane].rows * metrics.row + 2);
  }

  // The lane at a vertical position.
  at(y) {
    let low = 0;
    let high = this.lines.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const line = this.lines[middle];
      if (y < line.y) high = middle - 1;
      else if (y >= line.y + line.height) low = middle + 1;
      else return line;
    }
    return null;
  }

  between(top, bottom) {
    const first = this.at(Math.max(top, 0));
    const seen = [];
    for (let n = first ? first.index : this.lines.length; n < this.lines.length; n++) {
      if (this.lines[n].y > bottom) break;
      seen.push(this.lines[n]);
    }
    return seen;
  }

  lineOf(lane) {
    return lane === undefined ? undefined : this.byLane.get(lane);
  }
}

const hasChildren = new Set(DATA.lanes.map((lane) => lane.parent).filter((parent) => parent !== null));

const accused = new Set(DATA.runs.flatMap((run) => (run.failure ? run.failure.lanes : [])));

// The names of the visible lanes, as HTML elements.
class Names {
  constructor(host, layout, toggle) {
    this.host = host;
    this.layout = layout;
    this.toggle = toggle;
    this.made = new Map();
  }

  draw(top, height) {
    const lines = this.layout.between(top, top + height);
    const wanted = new Map(lines.map((line) => [line.lane, line]));
    for (const [lane, element] of this.made) {
      if (!wanted.has(lane)) {
        element.remove();
        this.made.delete(lane);
      }
    }
    for (const [lane, line] of wanted) {
      let element = this.made.get(lane);
      if (!element) {
        element = this.make(lane);
        this.made.set(lane, element);
        this.host.append(element);
      }
      element.style.top = `${line.y}px`;
      element.style.height = `${line.height}px`;
      element.classList.toggle("odd", line.index % 2 === 1);
    }
  }

  clear() {
    this.made.forEach((element) => element.remove());
    this.made.clear();
  }

  make(number) {
    const lane = DATA.lanes[number];
    const element = make("div", { className: `name ${lane.kind}`, role: "listitem" });
    element.style.paddingInlineStart = `${8 + Math.min(lane.depth, 8) * 14}px`;
    const states = lane.lives.filter(Boolean).map((life) => life.state).filter(Boolean);
    const state = states.length ? `, ${[...new Set(states)].join(" and ").toLowerCase()}` : "";
    const waits = lane.lives.map((life) => life?.waits).find(Boolean);
    element.title = `${lane.about ? `${lane.name}, ${lane.about}` : `${lane.kind} ${lane.name}`}${state}${waits ? `\n${waits}` : ""}`;
    if (hasChildren.has(number)) {
      const open = !this.layout.folded.has(number);
      const button = make("button", { className: "fold", textContent: open ? "▾" : "▸", type: "button" });
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-label", `Children of ${lane.name}`);
      button.addEventListener("click", () => this.toggle(number));
      element.append(button);
    }
    element.append(make("span", { className: "what", textContent: lane.name }));
    if (lane.about) element.append(make("span", { className: "about", textContent: lane.about }));
    if (lane.kind !== "instance" && lane.kind !== lane.name) element.append(make("span", { className: "about", textContent: lane.kind }));
    if (accused.has(number)) element.classList.add("accused");
    if (RUNS > 1) {
      DATA.runs.forEach((_, run) => {
        const tag = make("span", { className: `tag run-${run}`, textContent: runName(run) });
        tag.style.top = `${metrics.pad + run * (lane.rows * metrics.row + 2)}px`;
        element.append(tag);
      });
    }
    return element;
  }
}

function make(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function drawRuler(canvas, axis) {
  const height = 34;
  const c = sized(canvas, axis.width, height);
  c.font = FONT;
  c.textBaseline = "middle";
  const { ticks, gaps } = axis.ticks();
  for (const gap of gaps) {
    c.strokeStyle = COLOURS.line;
    c.setLineDash([2, 3]);
    c.beginPath();
    c.moveTo(gap.from + 3, height - 9.5);
    c.lineTo(gap.to - 3, height - 9.5);
    c.stroke();
    c.setLineDash([]);
    const text = fitted(c, gap.text, gap.to - gap.from - 10);
    const width = textWidth(c, text);
    const middle = (gap.from + gap.to) / 2;
    c.clearRect(middle - width / 2 - 3, height - 16, width + 6, 14);
    c.fillStyle = COLOURS.faint;
    c.fillText(text, middle - width / 2, height - 9);
  }
  let taken = 0;
  for (const tick of ticks) {
    c.fillStyle = COLOURS.line;
    c.fillRect(tick.x - 0.5, 4, 1, height - 4);
    c.fillStyle = COLOURS.text;
    const width = textWidth(c, tick.text);
    const over = tick.x + 3 + width > axis.width;
    if (!over) c.fillText(tick.text, tick.x + 3, 9);
    else if (tick.x - width - 3 > taken) c.fillText(tick.text, tick.x - width - 3, 9);
    taken = tick.x + width + 9;
  }
  flag(c, axis, height);
}

// The flags of the failure and of the first difference, at the bottom of the ruler.
function flag(c, axis, height) {
  const flags = DATA.runs.filter((run) => run.failure).map((run) => [failedAt(run), COLOURS.failed]);
  if (DATA.difference) flags.push([DATA.difference.at, COLOURS.difference]);
  for (const [moment, colour] of flags) {
    const x = axis.x(moment);
    c.fillStyle = colour;
    c.beginPath();
    polygon(c, [[x - 6, height - 10], [x + 6, height - 10], [x, height]]);
    c.fill();
  }
}

// The density of events over the whole run, and the visible part of it.
class Overview {
  constructor(canvas, axis) {
    this.canvas = canvas;
    this.axis = axis;
  }

  draw() {
    const height = 30;
    const width = this.axis.width;
    const c = sized(this.canvas, width, height);
    const key = `${width} ${this.axis.mode}`;
    if (this.key !== key) {
      this.key = key;
      this.count(width);
    }
    c.fillStyle = COLOURS.faint;
    this.counts.forEach((count, x) => {
      const high = count ? 3 + (height - 10) * Math.sqrt(count / this.highest) : 0;
      c.fillRect(x * 2, height - high, 2, high);
    });
    c.fillStyle = COLOURS.failed;
    this.ills.forEach((ill, x) => {
      if (ill) c.fillRect(x * 2, 0, 2, 4);
    });
    for (const run of DATA.runs) if (run.failure) c.fillRect(this.x(failedAt(run)) - 1, 0, 2, height);
    c.fillStyle = COLOURS.difference;
    if (DATA.difference) c.fillRect(this.x(DATA.difference.at) - 0.75, 0, 1.5, height);
    const [from, to] = this.window();
    c.fillStyle = COLOURS.text;
    c.globalAlpha = 0.12;
    c.fillRect(0, 0, from, height);
    c.fillRect(to, 0, width - to, height);
    c.globalAlpha = 1;
    c.strokeStyle = COLOURS.chosen;
    c.strokeRect(from + 0.5, 0.5, Math.max(to - from - 1, 2), height - 1);
  }

  // The position of a moment in the strip.
  x(moment) {
    return this.xOf(this.axis.places[moment]);
  }

  xOf(place) {
    return this.axis.margin + place * this.axis.least;
  }

  window() {
    const { left, scale, width } = this.axis;
    return [Math.max(this.xOf(left), 0), Math.min(this.xOf(left + width / scale), width)];
  }

  count(width) {
    this.counts = new Uint32Array(Math.ceil(width / 2));
    this.ills = new Uint8Array(this.counts.length);
    for (const item of DATA.items) {
      if (item.kind === "latency") continue;
      const at = Math.min(Math.floor(this.x(item.from) / 2), this.counts.length - 1);
      this.counts[at]++;
      if (item.kind === "fault" || item.kind === "law" || item.state === "failed") this.ills[at] = 1;
    }
    this.highest = this.counts.reduce((a, b) => Math.max(a, b), 1);
  }

  // Scrolls to a position of the strip.
  go(x) {
    const place = (x - this.axis.margin) / this.axis.least;
    this.axis.left = place - this.axis.width / 2 / this.axis.scale;
    this.axis.clamp();
  }
}
