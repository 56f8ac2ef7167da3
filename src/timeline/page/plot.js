"use strict";
// Draws the visible part of the lanes on a canvas, and finds the item under the
// pointer.

// The height of rows, and the padding above and below those of a lane.
const metrics = { compact: false, row: 18, pad: 5 };

function setCompact(compact) {
  Object.assign(metrics, compact ? { compact, row: 9, pad: 2 } : { compact, row: 18, pad: 5 });
}

const FONT = "11px system-ui, sans-serif";

// The items of each lane and run by row, in the order of their start. An item is in
// the lane of its instance and in that of its node.
const tracks = DATA.lanes.map((lane) => {
  return DATA.runs.map(() => ({ rows: Array.from({ length: lane.rows }, () => []), spells: [] }));
});

for (const item of DATA.items.slice().sort((a, b) => a.from - b.from || a.to - b.to)) {
  const spell = item.kind === "node" && item.to > item.from;
  const home = tracks[item.lane][item.run];
  (spell ? home.spells : home.rows[item.row]).push(item);
  if (item.node !== undefined) tracks[item.node][item.run].rows[item.node_row].push(item);
}

function rowIn(item, lane) {
  return item.lane === lane ? item.row : item.node_row;
}

function isPoint(item) {
  return !BARS.has(item.kind);
}

// The end of an instance coincides with the end of its last turn, and is drawn after it.
const BEHIND = 7;

// The colours of the style sheet in the current theme.
const COLOURS = {};
const COLOUR_NAMES = [...Object.keys(KINDS), "text", "faint", "line", "stripe", "paper", "on-bar", "failed", "chosen", "difference"];

function readColours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  for (const name of COLOUR_NAMES) {
    probe.style.color = `var(--${name})`;
    COLOURS[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

const widths = new Map();

function textWidth(context, text) {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 20000) widths.clear();
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  return width;
}

// As much of a text as fits, with an ellipsis; nothing if too little fits.
function fitted(context, text, room) {
  if (textWidth(context, text) <= room) return text;
  const share = Math.floor((room - 8) / 6.2);
  return share >= 3 && share < text.length ? text.slice(0, share) + "…" : "";
}

class Plot {
  constructor(canvas, axis, layout, view) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.axis = axis;
    this.layout = layout;
    this.view = view;
    this.drawn = 0;
  }

  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.ratio = ratio;
  }

  draw(top) {
    const c = this.context;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.clearRect(0, 0, this.width, this.height);
    c.font = FONT;
    c.textBaseline = "middle";
    this.drawn = 0;
    const lines = this.layout.between(top, top + this.height);
    for (const line of lines) this.background(line, line.y - top);
    this.verticals();
    for (const line of lines) {
      this.ground = line.index % 2 ? COLOURS.stripe : COLOURS.paper;
      DATA.runs.forEach((_, run) => this.track(line, run, line.y - top + this.layout.offset(line, run)));
    }
    this.outlines(top);
    this.links(top);
  }

  background(line, y) {
    const c = this.context;
    if (line.index % 2) {
      c.fillStyle = COLOURS.stripe;
      c.fillRect(0, y, this.width, line.height);
    }
    const lane = DATA.lanes[line.lane];
    lane.lives.forEach((life, run) => {
      if (!life || lane.kind !== "instance") return;
      const from = this.axis.x(life.from);
      const to = Math.max(this.axis.x(life.to), from + 2);
      const middle = y + this.layout.offset(line, run) + metrics.row / 2;
      c.fillStyle = COLOURS.line;
      c.fillRect(from, middle - 1, to - from, 2);
    });
    if (RUNS > 1) {
      c.fillStyle = COLOURS.line;
      c.globalAlpha = 0.5;
      c.fillRect(0, y + line.height - 0.5, this.width, 1);
      c.globalAlpha = 1;
    }
  }

  verticals() {
    const c = this.context;
    if (DATA.difference) {
      const x = this.axis.x(DATA.difference.at);
      c.fillStyle = COLOURS.difference;
      c.globalAlpha = 0.07;
      c.fillRect(x, 0, Math.max(this.width - x, 0), this.height);
      c.globalAlpha = 1;
      c.fillRect(x - 0.75, 0, 1.5, this.height);
    }
    for (const run of DATA.runs) {
      if (!run.failure) continue;
      const { at, cause } = run.failure;
      c.fillStyle = COLOURS.failed;
      if (cause) {
        // The run ended later: a thinner line.
        c.globalAlpha = 0.5;
        c.fillRect(this.axis.x(at) - 0.5, 0, 1, this.height);
        c.globalAlpha = 1;
      }
      c.fillRect(this.axis.x(failedAt(run)) - 1, 0, 2, this.height);
    }
  }

  track(line, run, y) {
    const track = tracks[line.lane][run];
    for (const spell of track.spells) this.spell(spell, y, track.rows.length * metrics.row);
    track.rows.forEach((row, number) => {
      this.row(line.lane, row, y + number * metrics.row);
    });
  }

  // An impairment of a node: hatched, as high as the lane.
  spell(item, y, height) {
    if (!this.view.shows(item)) return;
    const c = this.context;
    const from = Math.max(this.axis.x(item.from), -10);
    const to = Math.min(Math.max(this.axis.x(item.to), from + 3), this.width + 10);
    if (to < 0 || from > this.width) return;
    c.save();
    c.beginPath();
    c.rect(from, y, to - from, height);
    c.clip();
    c.fillStyle = COLOURS.node;
    c.globalAlpha = 0.13;
    c.fillRect(from, y, to - from, height);
    c.globalAlpha = 0.4;
    c.strokeStyle = COLOURS.node;
    c.lineWidth = 1;
    c.beginPath();
    for (let x = Math.floor((from - height) / 8) * 8; x < to; x += 8) {
      c.moveTo(x, y + height);
      c.lineTo(x + height, y);
    }
    c.stroke();
    c.restore();
    this.drawn++;
  }

  // Bars first, then points, then labels where there is room. Items that would only
  // cover the same pixel again are skipped: there may be ten thousand events on a
  // thousand pixels.
  row(lane, row, y) {
    const shapes = [];
    let [bars, points] = [-Infinity, -Infinity];
    for (const item of this.visible(row)) {
      const point = isPoint(item);
      const middle = point ? this.pointX(item) : 0;
      const from = point ? middle - 6 : this.axis.x(item.from);
      const to = point ? middle + 6 : Math.max(this.axis.x(item.to), from + 3);
      const covered = point ? middle < points + 2 : to <= bars + 0.5;
      if (covered && !this.stands(item)) continue;
      if (point) points = Math.max(points, middle);
      else bars = to;
      shapes.push({ item, from, to, point });
    }
    for (const { item, from } of shapes) if (item.lane === lane) this.queued(item, from, y);
    for (const shape of shapes) if (!shape.point) this.bar(shape.item, shape.from, shape.to, y);
    for (const shape of shapes) if (shape.point) this.point(shape.item, shape.from + 6, y);
    shapes.forEach((shape, n) => this.label(shape, shapes[n + 1]?.from ?? this.width, y));
  }

  // The centre of a point.
  pointX(item) {
    return this.axis.x(item.from) + (item.kind === "end" ? BEHIND : 0);
  }

  // A text beside a bar or a point, readable over anything that it covers.
  aside(text, x, y) {
    const c = this.context;
    c.fillStyle = this.ground;
    c.fillRect(x - 2, y - 7, textWidth(c, text) + 4, 13);
    c.fillStyle = COLOURS.text;
    c.fillText(text, x, y);
  }

  // Whether an item is drawn even where there are many others.
  stands(item) {
    const found = this.view.found !== null && !this.view.dims(item);
    return found || item === this.view.chosen || item === this.view.hovered || item.state !== "fine" || item.kind === "law";
  }

  visible(row) {
    const last = this.axis.at(this.width + 12);
    const first = this.axis.at(-12);
    const seen = [];
    for (const item of row) {
      if (item.from > last) break;
      if ((item.tail ?? item.to) < first && item.to < first) continue;
      if (this.view.shows(item)) seen.push(item);
    }
    return seen;
  }

  // The time in the queue, below all bars, which may overlap it.
  queued(item, from, y) {
    if (item.since === undefined) return;
    const c = this.context;
    const begun = this.axis.x(item.since);
    c.fillStyle = COLOURS[item.kind];
    c.globalAlpha = this.view.dims(item) ? 0.1 : 0.35;
    c.fillRect(begun, y + metrics.row / 2 - 1.5, from - begun, 3);
    c.globalAlpha = 1;
  }

  bar(item, from, to, y) {
    const c = this.context;
    this.drawn++;
    c.globalAlpha = this.view.dims(item) ? 0.18 : 1;
    const colour = COLOURS[item.kind];
    const inset = metrics.compact ? 1 : 2;
    const [top, height] = [y + inset, metrics.row - 2 * inset];
    if (item.kind === "turn" || item.kind === "activity") this.block(item, from, to, top, height, colour);
    else this.rail(item, from, to, y + metrics.row / 2, colour);
    if (item.tail !== undefined) {
      const tail = this.axis.x(item.tail);
      c.strokeStyle = colour;
      c.setLineDash([2, 3]);
      c.strokeRect(to + 0.5, top + height / 2 - 3, Math.max(tail - to, 0), 6);
      c.setLineDash([]);
    }
    c.globalAlpha = 1;
  }

  block(item, from, to, top, height, colour) {
    const c = this.context;
    const hollow = item.state === "open" || item.state === "waiting" || item.state === "cancelled";
    c.fillStyle = colour;
    if (hollow || item.state === "lost") c.globalAlpha *= 0.3;
    c.beginPath();
    c.roundRect(from, top, to - from, height, Math.min(3, (to - from) / 2));
    c.fill();
    if (hollow || item.state === "lost") {
      c.globalAlpha = this.view.dims(item) ? 0.18 : 1;
      c.strokeStyle = item.state === "lost" ? COLOURS.failed : colour;
      c.lineWidth = 1;
      c.stroke();
    }
    if (item.state === "failed" || item.state === "lost") this.cross(to - 0.5, top + height / 2);
  }

  cross(x, y) {
    const c = this.context;
    const half = metrics.compact ? 3 : 4;
    c.strokeStyle = COLOURS.paper;
    c.lineWidth = 4;
    c.beginPath();
    c.moveTo(x - half, y - half);
    c.lineTo(x + half, y + half);
    c.moveTo(x + half, y - half);
    c.lineTo(x - half, y + half);
    c.stroke();
    c.strokeStyle = COLOURS.failed;
    c.lineWidth = 2;
    c.stroke();
  }

  // A wait: a thin line with a mark at both ends.
  rail(item, from, to, y, colour) {
    const c = this.context;
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.setLineDash(item.state === "fine" ? [] : [5, 4]);
    c.beginPath();
    c.moveTo(Math.max(from, -10), y);
    c.lineTo(Math.min(to, this.width + 10), y);
    c.stroke();
    c.setLineDash([]);
    const half = metrics.compact ? 3 : 4;
    c.beginPath();
    c.moveTo(from, y - half);
    c.lineTo(from, y + half);
    c.stroke();
    c.fillStyle = colour;
    if (item.state === "failed") this.cross(to, y);
    else if (item.state === "cancelled") c.fillRect(to - 1, y - half, 2, 2 * half);
    else if (item.state === "fine") {
      c.beginPath();
      c.arc(to, y, half, 0, 7);
      c.fill();
    }
  }

  // The label of an item, inside or beside its bar.
  label({ item, from, to, point }, free, y) {
    if (metrics.compact || item.kind === "latency" || to < -20) return;
    const c = this.context;
    c.globalAlpha = this.view.dims(item) ? 0.3 : 1;
    const middle = y + metrics.row / 2 + 0.5;
    const block = item.kind === "turn" || item.kind === "activity";
    const cross = !point && (item.state === "failed" || item.state === "lost") ? 6 : 0;
    const left = Math.max(from, 0);
    const inside = point ? "" : fitted(c, item.label, Math.min(to, free, this.width) - left - 10 - cross);
    if (inside && block) {
      const solid = item.state === "fine" || item.state === "failed";
      c.fillStyle = solid ? COLOURS["on-bar"] : COLOURS.text;
      c.fillText(inside, left + 5, middle);
    } else if (inside) {
      this.aside(inside, left + 8, middle);
    } else {
      const outside = fitted(c, item.label, Math.min(free, this.width) - to - 8 - cross);
      if (outside) this.aside(outside, to + 4 + cross, middle);
    }
    c.globalAlpha = 1;
  }

  point(item, x, y) {
    const c = this.context;
    this.drawn++;
    c.globalAlpha = this.view.dims(item) ? 0.18 : 1;
    const middle = y + metrics.row / 2;
    c.fillStyle = item.state === "failed" || item.state === "refused" ? COLOURS.failed : COLOURS[item.kind];
    c.strokeStyle = COLOURS.paper;
    c.lineWidth = 1.5;
    c.save();
    c.translate(x, middle);
    if (metrics.compact) c.scale(0.65, 0.65);
    c.beginPath();
    SHAPES[item.kind](c, 0, 0);
    c.fill();
    c.stroke();
    c.restore();
    c.globalAlpha = 1;
  }

  // Frames around the selected item and the item under the pointer, in all of their
  // lanes.
  outlines(top) {
    const c = this.context;
    c.strokeStyle = COLOURS.chosen;
    for (const item of [this.view.hovered, this.view.chosen]) {
      if (!item || !this.view.shows(item)) continue;
      c.lineWidth = item === this.view.chosen ? 2 : 1;
      for (const lane of [item.lane, item.node]) {
        const box = this.boxIn(item, this.layout.lineOf(lane), top);
        if (box) c.strokeRect(box.x - 2, box.y - 2, box.width + 4, box.height + 4);
      }
    }
  }

  // The position of an item in its own lane, or in its node's if that is visible.
  box(item, top) {
    return this.boxIn(item, this.layout.lineOf(item.lane) ?? this.layout.lineOf(item.node), top);
  }

  boxIn(item, line, top) {
    if (!line) return null;
    const spell = item.kind === "node" && item.to > item.from;
    const row = spell ? 0 : rowIn(item, line.lane);
    const y = line.y - top + this.layout.offset(line, item.run) + row * metrics.row;
    const from = this.axis.x(item.from);
    if (isPoint(item) && !spell) return { x: this.pointX(item) - 7, y: y + 1, width: 14, height: metrics.row - 2 };
    const height = spell ? DATA.lanes[line.lane].rows * metrics.row : metrics.row;
    return { x: from, y: y + 2, width: Math.max(this.axis.x(item.to) - from, 3), height: height - 4 };
  }

  // Lines from the causes of the selected item, and to its effects.
  links(top) {
    const chosen = this.view.chosen;
    if (!chosen) return;
    for (const cause of chosen.causes ?? []) this.link(DATA.items[cause], chosen, top);
    for (const effect of this.view.effects) this.link(chosen, effect, top);
  }

  link(cause, effect, top) {
    const a = this.box(cause, top);
    const b = this.box(effect, top);
    if (!a || !b) return;
    const c = this.context;
    const [x1, y1] = [isPoint(cause) ? a.x + 7 : a.x + a.width, a.y + a.height / 2];
    const [x2, y2] = [isPoint(effect) ? b.x + 7 : b.x, b.y + b.height / 2];
    const bend = Math.max(Math.min(Math.abs(x2 - x1) / 2, 60), 14);
    c.strokeStyle = COLOURS.chosen;
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(x1, y1);
    c.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    c.stroke();
    c.fillStyle = COLOURS.chosen;
    c.beginPath();
    c.moveTo(x2 + 1, y2);
    c.lineTo(x2 - 6, y2 - 3.5);
    c.lineTo(x2 - 6, y2 + 3.5);
    c.fill();
  }

  // The item at a position on the canvas.
  under(x, y, top) {
    const line = this.layout.at(y + top);
    if (!line) return null;
    let best = null;
    let least = 9;
    DATA.runs.forEach((_, run) => {
      const begin = line.y - top + this.layout.offset(line, run);
      const track = tracks[line.lane][run];
      const row = track.rows[Math.floor((y - begin) / metrics.row)];
      for (const item of row ? this.visible(row) : []) {
        const from = isPoint(item) ? this.pointX(item) : this.axis.x(item.from);
        const to = isPoint(item) ? from : Math.max(this.axis.x(item.to), from + 3);
        // Points are drawn over bars, and so come first.
        const far = x < from ? from - x : x > to ? x - to : isPoint(item) ? -1 : 0;
        if (far < least || (far === least && isPoint(item))) [best, least] = [item, far];
      }
      const inside = y >= begin && y < begin + track.rows.length * metrics.row;
      if (!best && inside) {
        best = track.spells.find((item) => {
          return this.view.shows(item) && x >= this.axis.x(item.from) && x <= this.axis.x(item.to);
        });
      }
    });
    return best ?? null;
  }
}

// The shapes of points, which distinguish kinds without colours.
const SHAPES = {
  event: (c, x, y) => polygon(c, [[x, y - 6], [x + 6, y], [x, y + 6], [x - 6, y]]),
  end: (c, x, y) => c.rect(x - 5, y - 5, 10, 10),
  call: (c, x, y) => c.arc(x, y, 3.5, 0, 7),
  node: (c, x, y) => polygon(c, [[x - 5, y - 6], [x + 6, y], [x - 5, y + 6]]),
  fault: (c, x, y) => polygon(c, [[x, y - 7], [x + 7, y + 5], [x - 7, y + 5]]),
  latency: (c, x, y) => c.arc(x, y, 2.5, 0, 7),
  law: (c, x, y) => polygon(c, [[x - 7, y - 6], [x + 7, y - 6], [x, y + 7]]),
  log: (c, x, y) => c.rect(x - 1.5, y - 6, 3, 12),
  effect: (c, x, y) => polygon(c, [[x, y - 6], [x + 2, y - 2], [x + 6, y], [x + 2, y + 2], [x, y + 6], [x - 2, y + 2], [x - 6, y], [x - 2, y - 2]]),
};

function polygon(c, points) {
  points.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.closePath();
}
