"use strict";
// What the keys and the pointer do.

// ---- keys

const EVENT_KEYS = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => stepLane(1),
  ArrowUp: () => stepLane(-1),
  Home: () => choose(walkable()[0] ?? null, { reveal: true }),
  End: () => choose(walkable().at(-1) ?? null, { reveal: true }),
  Enter: () => view.chosen && choose(view.chosen, { open: true, focusPanel: true }),
};

const KEYS = {
  "+": () => zoomByKey(1.6),
  "=": () => zoomByKey(1.6),
  "-": () => zoomByKey(1 / 1.6),
  0: () => $("fit").click(),
  a: () => (axis.pan(-axis.width / 4), redraw()),
  z: () => (axis.pan(axis.width / 4), redraw()),
  s: () => setScale(axis.mode === "squeezed" ? "true" : "squeezed"),
  t: () => setForm($("table").hidden ? "table" : "lanes"),
  c: () => $("compact").click(),
  "/": () => $("search").focus(),
  n: () => toMatch(1),
  N: () => toMatch(-1),
  f: toFailure,
  d: toDifference,
  "?": () => $("keys").showModal(),
  Escape: () => panel.open && closePanel(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const typing = event.target.matches("input[type=search]");
  const act = event.target === $("events") ? (EVENT_KEYS[event.key] ?? KEYS[event.key]) : KEYS[event.key];
  if (typing || !act) return;
  event.preventDefault();
  act();
});

// ---- pointer

function wheelZooms(event, over) {
  return event.ctrlKey || event.metaKey || over === "axis" || layout.height <= plot.height;
}

function onWheel(event, over) {
  const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
  const pixels = event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 400 : 1;
  const amount = (sideways && event.deltaX ? event.deltaX : event.deltaY) * pixels;
  if (sideways) axis.pan(amount);
  else if (wheelZooms(event, over)) {
    const x = event.clientX - $("across").getBoundingClientRect().left;
    axis.zoom(Math.exp(-amount / 400), x);
  } else return;
  event.preventDefault();
  redraw();
}

$("events").addEventListener("wheel", (event) => onWheel(event, "events"), { passive: false });
$("across").addEventListener("wheel", (event) => onWheel(event, "axis"), { passive: false });
$("scroll").addEventListener("scroll", redraw);

let drag = null;

$("events").addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  drag = { x: event.clientX, y: event.clientY, moved: false };
  $("events").setPointerCapture(event.pointerId);
});

$("events").addEventListener("pointermove", (event) => {
  if (drag) {
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    axis.pan(-dx);
    $("scroll").scrollTop -= dy;
    drag = { x: event.clientX, y: event.clientY, moved: true };
    redraw();
    return;
  }
  hover(under(event), event);
});

$("events").addEventListener("pointerup", (event) => {
  const click = drag && !drag.moved;
  drag = null;
  if (!click) return;
  hover(null);
  const item = under(event);
  if (item) choose(item, { open: true });
  else choose(null);
});

$("events").addEventListener("pointerleave", () => hover(null));
$("events").addEventListener("dblclick", (event) => zoom(2.5, event.offsetX));

function under(event) {
  const box = $("events").getBoundingClientRect();
  return plot.under(event.clientX - box.left, event.clientY - box.top, $("scroll").scrollTop);
}

function hover(item, event) {
  const tip = $("tip");
  if (item !== view.hovered) {
    view.hovered = item;
    $("events").style.cursor = item ? "pointer" : "";
    redraw();
  }
  tip.hidden = !item;
  if (!item) return;
  tip.textContent = sentence(item);
  const right = event.clientX + 14 + tip.offsetWidth > window.innerWidth;
  tip.style.left = `${right ? event.clientX - tip.offsetWidth - 10 : event.clientX + 14}px`;
  tip.style.top = `${Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 6)}px`;
}

$("overview").addEventListener("pointerdown", (event) => {
  $("overview").setPointerCapture(event.pointerId);
  overview.go(event.offsetX);
  redraw();
});
$("overview").addEventListener("pointermove", (event) => {
  if (!event.buttons) return;
  overview.go(event.offsetX);
  redraw();
});
