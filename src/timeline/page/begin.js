"use strict";
// How the page begins: what is said of the runs, and the first drawing.

function plural(count, one, many) {
  return count === 1 ? `1 ${one}` : `${count.toLocaleString("en")} ${many}`;
}

function describe() {
  DATA.runs.forEach((run, number) => {
    const line = make("span", { className: "run" });
    if (RUNS > 1) line.append(make("span", { className: `tag run-${number}`, textContent: runName(number) }), ` ${run.name}: `);
    const seed = run.seed ? `seed ${run.seed}, ` : "";
    const quiet = run.quiet ? `, of which ${run.quiet.toLocaleString("en")} quiet ones are left out` : "";
    const most = run.left_out ? `. Of so many the page leaves out ${run.left_out.toLocaleString("en")}: it has the last ones, and those that the failure is about` : "";
    line.append(`${seed}${span(run.elapsed)} from ${wallClock(number, 0)}, ${plural(run.calls, "provider call", "provider calls")}${quiet}${most}`);
    line.title = "Quiet are fetches in vain, repeated reads, and the runtimes' own reads and upkeep.";
    $("facts").append(line);
  });
  $("versions").textContent = Object.entries(DATA.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const failed = DATA.runs.filter((run) => run.failure);
  if (failed.length) {
    const headline = failed.map((run) => (RUNS > 1 ? `${run.name}: ${run.failure.headline}` : run.failure.headline)).join("\n");
    $("failure").hidden = false;
    $("failure-headline").textContent = visible(headline);
    $("failure-headline").title = headline;
  }
  if (RUNS > 1) {
    $("difference").hidden = false;
    const { difference } = DATA;
    $("to-difference").hidden = !difference;
    $("difference-headline").textContent = difference
      ? `The two runs are the same up to ${since(DATA.moments[difference.at])}.`
      : "The two runs are the same, call by call.";
  }
  const instances = DATA.lanes.filter((lane) => lane.kind === "instance").length;
  $("corner").textContent = `${plural(instances, "instance", "instances")}, ${plural(DATA.items.length, "event", "events")}`;
}

function begin() {
  describe();
  readColours();
  drawLegend();
  resize();
  axis.fit();
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);
  new ResizeObserver(resize).observe($("scroll"));
  const chosen = /^#event-(\d+)$/.exec(location.hash);
  if (chosen && DATA.items[chosen[1]]) choose(DATA.items[chosen[1]], { reveal: true, open: true });
  performance.mark("drawn");
}

begin();
