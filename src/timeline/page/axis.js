"use strict";
// The time axis. In true scale a moment lies where its virtual time is. With
// idle time squeezed every moment has a place of its own, and what lies between
// two moments takes room by its logarithm.

class Axis {
  constructor(moments) {
    this.moments = moments;
    this.squeezed = new Float64Array(moments.length);
    for (let m = 1; m < moments.length; m++) {
      this.squeezed[m] = this.squeezed[m - 1] + Axis.room(moments[m] - moments[m - 1]);
    }
    this.mode = "squeezed";
    this.width = 1;
    this.left = 0;
    this.scale = 1;
  }

  static room(ms) {
    return ms > 0 ? 2 + 1.2 * Math.log10(ms) : 1;
  }

  get places() {
    return this.mode === "squeezed" ? this.squeezed : this.moments;
  }

  get end() {
    return Math.max(this.places[this.places.length - 1] || 0, 1);
  }

  // Where a moment lies, in pixels.
  x(moment) {
    return (this.places[moment] - this.left) * this.scale;
  }

  // The first moment that lies at or after a pixel.
  at(x) {
    const place = this.left + x / this.scale;
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.places[middle] < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The moment that lies nearest to a pixel.
  nearest(x) {
    const after = Math.min(this.at(x), this.places.length - 1);
    return after > 0 && x - this.x(after - 1) < this.x(after) - x ? after - 1 : after;
  }

  // The margin leaves room for points at both ends.
  get margin() {
    return Math.min(24, this.width / 8);
  }

  get least() {
    return (this.width - 2 * this.margin) / this.end;
  }

  get most() {
    return Math.max(this.mode === "squeezed" ? 160 : 100, this.least);
  }

  fit() {
    this.scale = this.least;
    this.left = -this.margin / this.scale;
  }

  get fits() {
    return this.scale <= this.least * 1.0001;
  }

  clamp() {
    this.scale = Math.min(Math.max(this.scale, this.least), this.most);
    const margin = this.margin / this.scale;
    const last = Math.max(this.end + margin - this.width / this.scale, -margin);
    this.left = Math.min(Math.max(this.left, -margin), last);
  }

  zoom(factor, x) {
    const place = this.left + x / this.scale;
    this.scale *= factor;
    this.scale = Math.min(Math.max(this.scale, this.least), this.most);
    this.left = place - x / this.scale;
    this.clamp();
  }

  pan(pixels) {
    this.left += pixels / this.scale;
    this.clamp();
  }

  resize(width) {
    const fitted = this.fits;
    this.width = width;
    if (fitted) this.fit();
    else this.clamp();
  }

  // Brings a moment into view; to the middle if it was not in view.
  reveal(moment) {
    const x = this.x(moment);
    if (x < this.margin || x > this.width - this.margin) {
      this.left = this.places[moment] - this.width / 2 / this.scale;
      this.clamp();
    }
  }

  // Changes the scale and keeps the moment in the middle where it is.
  change(mode) {
    const whole = this.fits;
    const middle = this.nearest(this.width / 2);
    const share = this.least / this.scale;
    this.mode = mode;
    this.fit();
    if (!whole) {
      this.scale = this.least / share;
      this.left = this.places[middle] - this.width / 2 / this.scale;
      this.clamp();
    }
  }

  // Labels of the ruler: {x, text}, and gaps {from, to, text}.
  ticks() {
    return this.mode === "squeezed" ? this.squeezedTicks() : this.trueTicks();
  }

  squeezedTicks() {
    const ticks = [];
    const gaps = [];
    let free = -Infinity;
    const first = Math.max(this.at(-200), 0);
    for (let m = first; m < this.moments.length; m++) {
      const x = this.x(m);
      if (x > this.width + 200) break;
      const before = m > 0 ? this.moments[m - 1] : -1;
      const idle = this.moments[m] - before;
      if (idle <= 0) continue;
      const from = m > 0 ? this.x(m - 1) : x;
      if (m > 0 && idle >= 1000 && x - from > 40) gaps.push({ from, to: x, text: roughly(idle) });
      if (x < free) continue;
      const text = since(this.moments[m]);
      ticks.push({ x, text });
      free = x + text.length * 6.4 + 18;
    }
    return { ticks, gaps };
  }

  trueTicks() {
    const ticks = [];
    const step = Axis.step(110 / this.scale);
    const first = Math.max(0, Math.floor(this.left / step) * step);
    for (let time = first; time <= this.end; time += step) {
      const x = (time - this.left) * this.scale;
      if (x > this.width) break;
      ticks.push({ x, text: Axis.label(time, step) });
    }
    return { ticks, gaps: [] };
  }

  // A round step of at least so many milliseconds.
  static step(least) {
    const day = 86400000;
    const round = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000];
    for (const minutes of [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720]) round.push(minutes * 60000);
    for (const days of [1, 2, 5, 10, 20, 50, 100, 200, 365, 730, 1825, 3650]) round.push(days * day);
    return round.find((step) => step >= least) ?? Math.ceil(least / (3650 * day)) * 3650 * day;
  }

  static label(time, step) {
    if (step >= 86400000) return `+${Math.round(time / 86400000)} d`;
    const text = since(time);
    const unit = time >= 3600000 && time < 86400000 ? " h" : "";
    if (step >= 60000 && time >= 3600000) return text.replace(/:\d\d\.\d{3}$/, "") + unit;
    return step >= 1000 ? text.replace(/\.\d{3}$/, "") : text;
  }
}
