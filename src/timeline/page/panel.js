"use strict";
// The panel of details: an item with its calls, the failure, the difference.
// All texts are inserted as text nodes.

class Panel {
  constructor(element, body, choose) {
    this.element = element;
    this.body = body;
    this.choose = choose;
  }

  get open() {
    return !this.element.hidden;
  }

  close() {
    this.element.hidden = true;
  }

  show(title, ...parts) {
    this.element.hidden = false;
    const heading = make("h2", { textContent: visible(title), tabIndex: -1 });
    this.body.replaceChildren(heading, ...parts);
    this.element.scrollTop = 0;
  }

  focus() {
    this.body.querySelector("h2")?.focus();
  }

  item(item) {
    const kind = make("p", { className: "kind" });
    kind.append(swatch(item.kind), ` ${KINDS[item.kind].name}`);
    if (STATES[item.state]) kind.append(make("span", { className: `badge ${item.state}`, textContent: STATES[item.state] }));
    if (RUNS > 1) kind.append(make("span", { className: `tag run-${item.run}`, textContent: runName(item.run) }));
    const parts = [kind, facts(this.factsOf(item))];
    if (item.note) parts.push(make("p", { className: "note", textContent: visible(item.note) }));
    const waits = DATA.lanes[item.lane].lives[item.run]?.waits;
    if (waits) parts.push(make("p", { className: "note", textContent: visible(waits) }));
    parts.push(...this.relatives(item), ...item.calls.map((line) => call(callOf(item.run, line), item.run)));
    this.show(item.label || KINDS[item.kind].name, ...parts);
  }

  factsOf(item) {
    const lane = DATA.lanes[item.lane];
    const [from, to] = [DATA.moments[item.from], DATA.moments[item.to]];
    const list = [[lane.kind === "instance" ? "Instance" : lane.kind === "node" ? "Node" : "Client", lane.name]];
    if (lane.about) list.push(["Orchestration", lane.about]);
    if (item.node !== undefined) list.push(["By", laneName(item.node)]);
    if (item.since !== undefined) {
      list.push(["Waited", `${span(from - DATA.moments[item.since])} in the queue`]);
    }
    const bar = BARS.has(item.kind) || item.to > item.from;
    list.push([bar ? "From" : "At", `${since(from)}`, wallClock(item.run, from)]);
    if (bar) list.push(["To", item.state === "open" ? "the end of the run" : since(to), wallClock(item.run, to)]);
    if (bar) list.push(["Lasts", span(to - from)]);
    if (item.tail !== undefined) list.push(["Lock until", since(DATA.moments[item.tail])]);
    return list;
  }

  // Buttons that lead to an item's causes and effects.
  relatives(item) {
    const effects = effectsOf(item);
    const groups = [["Causes", (item.causes ?? []).map((cause) => DATA.items[cause])], ["Effects", effects]];
    return groups.filter(([, items]) => items.length).map(([title, items]) => {
      const list = make("div", { className: "relatives" });
      list.append(make("span", { textContent: title }));
      const most = 12;
      for (const other of items.slice(0, most)) {
        const button = make("button", { type: "button", title: sentence(other) });
        button.append(swatch(other.kind), ` ${other.label || KINDS[other.kind].name}`);
        button.addEventListener("click", () => this.choose(other));
        list.append(button);
      }
      if (items.length > most) list.append(make("span", { textContent: `and ${items.length - most} more` }));
      return list;
    });
  }

  failure() {
    const failed = DATA.runs.map((run, number) => [run, number]).filter(([run]) => run.failure);
    const parts = failed.flatMap(([run, number]) => {
      const { at, cause, text } = run.failure;
      const parts = [make("pre", { className: "whole", textContent: visible(text) })];
      if (cause) {
        const when = `The cause is at ${since(DATA.moments[cause.at])}, the end of the run at ${since(DATA.moments[at])}.`;
        parts.unshift(make("p", { className: "note", textContent: `${when} ${visible(cause.why)}` }));
      }
      return RUNS > 1 ? [runTitle(number), ...parts] : parts;
    });
    this.show("The failure", ...parts);
  }

  difference() {
    const parts = DATA.difference.sides.map((side, run) => {
      const section = make("section", { className: "side" });
      section.append(runTitle(run));
      if (side.call === null) section.append(make("p", { textContent: `${since(side.time)}  ${side.text}` }));
      else section.append(call(callOf(run, side.call), run));
      return section;
    });
    const intro = make("p", { textContent: "Up to this point, both runs made the same calls at the same virtual times and got the same answers." });
    this.show("The first difference", intro, ...parts);
  }
}

// The effects of each item.
let effects = null;

function effectsOf(item) {
  if (!effects) {
    effects = new Map();
    for (const effect of DATA.items) {
      for (const cause of effect.causes ?? []) {
        if (!effects.has(cause)) effects.set(cause, []);
        effects.get(cause).push(effect);
      }
    }
  }
  return effects.get(item.number) ?? [];
}

function runTitle(run) {
  const title = make("h3");
  title.append(make("span", { className: `tag run-${run}`, textContent: runName(run) }), ` ${DATA.runs[run].name}`);
  return title;
}

function swatch(kind) {
  const element = make("canvas", { className: "swatch" });
  element.setAttribute("aria-hidden", "true");
  const c = sized(element, 16, 16);
  c.fillStyle = COLOURS[kind];
  c.strokeStyle = COLOURS[kind];
  c.beginPath();
  if (kind === "turn" || kind === "activity") c.roundRect(1, 3, 14, 10, 2);
  else if (BARS.has(kind)) {
    c.rect(1, 7, 10, 2);
    c.arc(11, 8, 4, 0, 7);
  } else SHAPES[kind](c, 8, 8);
  c.fill();
  return element;
}

function facts(list) {
  const element = make("dl", { className: "facts" });
  for (const [term, value, more] of list) {
    const data = make("dd", { textContent: visible(value) });
    if (more) data.append(make("span", { className: "more", textContent: more }));
    element.append(make("dt", { textContent: term }), data);
  }
  return element;
}

// A call with its answer: in words, with the events that it adds, and as JSON.
function call(record, run) {
  const section = make("section", { className: "call" });
  const title = make("h3");
  title.append(make("code", { textContent: record.method }), make("span", { className: "by", textContent: ` by ${record.by}` }));
  section.append(title);
  const took = record.answered_at - record.asked_at;
  // A fetch often waits long until there is anything to fetch.
  const late = took && !record.method.startsWith("fetch_");
  const time = late ? `${since(record.answered_at)}, ${span(took)} after the call` : since(record.answered_at);
  section.append(make("p", { className: "when", textContent: `${time} · call ${record.number}` }));
  if (record.asked) section.append(make("p", { className: "asked", textContent: visible(record.asked) }));
  section.append(make("p", { className: "answered", textContent: `→ ${visible(record.answered ?? "done")}` }));
  if (record.events.length) {
    const table = make("table");
    table.append(make("caption", { textContent: "Events of the history" }));
    for (const event of record.events) {
      const row = table.insertRow();
      row.append(make("th", { textContent: event.id, scope: "row" }), make("td", { textContent: visible(event.text) }));
    }
    section.append(table);
  }
  const whole = make("details");
  whole.append(make("summary", { textContent: "Full call and reply" }));
  whole.addEventListener("toggle", () => {
    if (whole.open && whole.childElementCount === 1) {
      whole.append(make("h4", { textContent: "Call" }), json(record.call), make("h4", { textContent: "Reply" }), json(record.answer));
    }
  });
  section.append(whole);
  return section;
}

function json(value) {
  return make("pre", { textContent: visible(JSON.stringify(value, null, 2)), tabIndex: 0 });
}
