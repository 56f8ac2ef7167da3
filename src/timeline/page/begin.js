"use strict";
// The start of the page: the facts about the runs, and the first drawing.

function plural(count, one, many) {
  return count === 1 ? `1 ${one}` : `${count.toLocaleString("en")} ${many}`;
}

// A list of what a run was given.
function given(list, number) {
  const element = make("details", { className: "given" });
  const title = make("summary", { textContent: `${RUNS > 1 ? `${runName(number)}: ` : ""}${list.title} (${list.lines.length})` });
  const lines = make("ul");
  for (const text of list.lines) lines.append(make("li", { textContent: visible(text) }));
  element.append(title, lines);
  element.addEventListener("toggle", resize);
  return element;
}

function describe() {
  DATA.runs.forEach((run, number) => {
    const line = make("span", { className: "run" });
    if (RUNS > 1) line.append(make("span", { className: `tag run-${number}`, textContent: runName(number) }), ` ${run.name}: `);
    const seed = run.seed ? `seed ${run.seed}, ` : "";
    const quiet = run.quiet ? `, ${run.quiet.toLocaleString("en")} of which are not shown because they carry no information` : "";
    const most = run.left_out ? `. The run has too many calls, so ${run.left_out.toLocaleString("en")} are left out: the page contains the last ones, and those about the instances of the failure` : "";
    line.append(`${seed}${span(run.elapsed)} from ${wallClock(number, 0)}, ${plural(run.calls, "provider call", "provider calls")}${quiet}${most}`);
    line.title = "Calls without information are fetches that find nothing, repeated reads, and the runtimes' own reads and maintenance.";
    $("facts").append(line);
    for (const list of run.given ?? []) $("facts").append(given(list, number));
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
      ? `The two runs are equal up to ${since(DATA.moments[difference.at])}.`
      : "The two runs are equal, call by call.";
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
