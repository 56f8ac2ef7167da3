"use strict";
// The table: the same events for reading and for screen readers, a page of them
// at a time, so that ten thousand are no burden.

const PAGE = 250;

class Table {
  constructor(elements, choose) {
    this.elements = elements;
    this.choose = choose;
    this.items = [];
    this.first = 0;
    elements.back.addEventListener("click", () => this.turn(-PAGE));
    elements.on.addEventListener("click", () => this.turn(PAGE));
  }

  // Shows items, from the page that has the chosen one.
  show(items, chosen) {
    this.items = items;
    const place = chosen ? Math.max(items.indexOf(chosen), 0) : 0;
    this.first = place - (place % PAGE);
    this.draw(chosen);
  }

  turn(by) {
    this.first = Math.min(Math.max(this.first + by, 0), Math.max(this.items.length - 1, 0));
    this.first -= this.first % PAGE;
    this.draw(null);
    this.elements.scroll.scrollTop = 0;
  }

  draw(chosen) {
    const { rows, back, on, place } = this.elements;
    const shown = this.items.slice(this.first, this.first + PAGE);
    rows.replaceChildren(...shown.map((item) => this.row(item, item === chosen)));
    back.disabled = this.first === 0;
    on.disabled = this.first + PAGE >= this.items.length;
    const last = this.first + shown.length;
    place.textContent = shown.length ? `${this.first + 1} to ${last} of ${this.items.length} events` : "No events";
    rows.querySelector(".chosen")?.scrollIntoView({ block: "center" });
  }

  row(item, chosen) {
    const row = make("tr", { className: `${item.state}${chosen ? " chosen" : ""}` });
    const lane = DATA.lanes[item.lane];
    const [from, to] = [DATA.moments[item.from], DATA.moments[item.to]];
    const open = make("button", { type: "button", textContent: visible(item.label) || KINDS[item.kind].name });
    open.addEventListener("click", () => this.choose(item, row));
    const what = make("td");
    what.append(swatch(item.kind), ` ${KINDS[item.kind].name} `, open);
    const cells = [
      make("td", { className: "time", textContent: since(from) }),
      what,
      make("td", { textContent: RUNS > 1 ? `${runName(item.run)} ${lane.name}` : lane.name }),
      make("td", { textContent: item.node === undefined ? (lane.kind === "instance" ? "" : lane.name) : laneName(item.node) }),
      make("td", { className: "time", textContent: to > from ? span(to - from) : "" }),
      make("td", { textContent: STATES[item.state] }),
    ];
    row.append(...cells);
    return row;
  }
}
