/** Charts by Observable Plot, loaded when the first of them is shown. */

import * as Plot from "@observablehq/plot";
import { type Answer, amount, type Owner, type State, stateIn } from "./answer";
import { type Measure, monthAfter, monthsFrom } from "./question";

const date = (month: string): Date => new Date(`${month}-01T00:00:00Z`);
const named = (day: Date): string => day.toISOString().slice(0, 7);

/** As many months as there is room to name. */
function some(months: string[], width: number): string[] {
  const every = Math.ceil(months.length / Math.max(2, width / 110));
  return months.filter((_, n) => n % every === 0);
}

/** Plot puts a style sheet into each figure, which the content security policy refuses; console.css has its rules. */
function bare(figure: Element, label: string): SVGSVGElement {
  const svg = figure as SVGSVGElement;
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label"); // of groups, that have no role
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

interface Series {
  answer: Answer;
  measure: Measure;
  months: string[];
  states: Map<string, State>; // of all who share, by month
  chosen: (month: string) => boolean;
  width: number;
  label: string;
}

/** Bars by month; drag over them to choose a period. */
export function series({ answer, measure, months, states, chosen, width, label }: Series, onBrush: (from: string, to: string) => void): Element {
  const amounts = new Map(answer.cells.map((cell) => [cell.key["month"], amount(cell, measure)]));
  const bars = months.map((month) => ({ month: date(month), value: amounts.get(month) ?? 0, chosen: chosen(month) }));
  const top = Math.max(...bars.map(({ value }) => value), 1);
  const plot = Plot.plot({
    width,
    height: 190,
    marginLeft: 56,
    className: "plot",
    x: { type: "utc", domain: [date(months[0] ?? ""), date(monthAfter(months.at(-1) ?? ""))], tickFormat: named, ticks: some(months, width).map(date), label: null },
    y: { domain: [0, top], label: measure === "kg" ? "kg" : null, grid: true, ticks: Math.min(4, top) },
    marks: [
      ...(["silent", "unshared"] as const).map((state) =>
        Plot.rect(months.filter((month) => states.get(month) === state), { x1: (m: string) => date(m), x2: (m: string) => date(monthAfter(m)), y1: 0, y2: top, fill: `url(#${state})`, insetLeft: 0.5, insetRight: 0.5 }),
      ),
      Plot.text(months.filter((month) => states.get(month) === "zero"), { x: (m: string) => new Date((date(m).getTime() + date(monthAfter(m)).getTime()) / 2), y: 0, dy: -9, text: () => "0", fill: "var(--ink)" }),
      Plot.rectY(bars, { x: "month", interval: "month", y: "value", fill: "var(--act)", fillOpacity: (bar: { chosen: boolean }) => (bar.chosen ? 1 : 0.35), insetLeft: 0.5, insetRight: 0.5 }),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
  const svg = bare(plot, label);
  svg.prepend(patterns());
  const invert = plot.scale("x")?.invert as ((at: number) => Date) | undefined;
  if (invert) brush(svg, width, (a, b) => onBrush(named(invert(a)), monthAfter(named(invert(b)))));
  return svg;
}

/** The looks of silence, as on the map. */
function patterns(): Element {
  const drawn = { silent: "M1 1h2v2h-2z", unshared: "M-1 7l8 -8" };
  const [defs, ...parts] = ["defs", ...Object.keys(drawn)].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name === "defs" ? name : "pattern"));
  for (const [n, [id, d]] of Object.entries(drawn).entries()) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [name, value] of Object.entries({ d, fill: id === "silent" ? "var(--soft)" : "none", stroke: id === "silent" ? "none" : "var(--soft)", "stroke-width": "1.5" })) path.setAttribute(name, value);
    for (const [name, value] of Object.entries({ id, width: "6", height: "6", patternUnits: "userSpaceOnUse" })) parts[n]?.setAttribute(name, value);
    parts[n]?.append(path);
  }
  defs?.append(...parts);
  return defs as Element;
}

/** Calls back with both ends, in pixels of the drawing, when the pointer is let go. */
function brush(svg: SVGSVGElement, width: number, onBrush: (a: number, b: number) => void): void {
  const shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  shade.setAttribute("class", "shade");
  const at = (event: PointerEvent) => {
    const box = svg.getBoundingClientRect();
    return Math.min(width - 21, Math.max(57, ((event.clientX - box.left) * width) / box.width));
  };
  let begun: number | null = null;
  svg.addEventListener("pointerdown", (event) => {
    begun = at(event);
    svg.setPointerCapture(event.pointerId);
    svg.append(shade);
  });
  svg.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const [a, b] = [Math.min(begun, at(event)), Math.max(begun, at(event))];
    for (const [name, value] of Object.entries({ x: a, y: 20, width: b - a, height: 140 })) shade.setAttribute(name, String(value));
  });
  svg.addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const [a, b] = [Math.min(begun, at(event)), Math.max(begun, at(event))];
    begun = null;
    shade.remove();
    onBrush(a, b);
  });
}

const LOOKS: Record<State, { fill: string; sign: string }> = {
  reported: { fill: "var(--act)", sign: "" },
  zero: { fill: "var(--card)", sign: "0" },
  silent: { fill: "transparent", sign: "·" },
  unshared: { fill: "var(--line)", sign: "╱" },
};

/** Country × month: what each has said, each silence with a look and a sign of its own. */
export function silences(owners: Owner[], [first, last]: [string, string], width: number, name: (code: string) => string, label: string): Element {
  const months = monthsFrom(first, last);
  const cells = owners.flatMap((owner) => months.map((month) => ({ owner: name(owner.owner), month, state: stateIn(owner, month) })));
  const plot = Plot.plot({
    width,
    height: 40 + 24 * owners.length,
    marginLeft: 120,
    className: "plot",
    x: { type: "band", domain: months, label: null, padding: 0.08, ticks: some(months, width) },
    y: { type: "band", domain: owners.map(({ owner }) => name(owner)), label: null, padding: 0.12 },
    marks: [
      Plot.cell(cells, { x: "month", y: "owner", fill: (cell: { state: State }) => LOOKS[cell.state].fill, stroke: "var(--line)" }),
      Plot.text(cells, { x: "month", y: "owner", text: (cell: { state: State }) => LOOKS[cell.state].sign, fill: "var(--ink)" }),
    ],
  });
  return bare(plot, label);
}

interface Taken {
  month: string;
  median: number;
  p90: number;
}

/** How long a stage took by month: a bar to the median, a line where nine of ten were over. */
export function taken(rows: Taken[], months: string[], unit: string, width: number, label: string): Element {
  const top = Math.max(...rows.map(({ p90 }) => p90), 0) || 1;
  const plot = Plot.plot({
    width,
    height: 190,
    marginLeft: 56,
    className: "plot",
    x: { type: "band", domain: months, label: null, padding: 0.15, ticks: some(months, width) },
    y: { domain: [0, top], label: unit, grid: true, ticks: 4 },
    marks: [
      Plot.ruleX(rows, { x: "month", y1: "median", y2: "p90", stroke: "var(--soft)" }),
      Plot.barY(rows, { x: "month", y: "median", fill: "var(--act)" }),
      Plot.tickY(rows, { x: "month", y: "p90", stroke: "var(--ink)", strokeWidth: 2 }),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
  return bare(plot, label);
}

/** Rows of bars over the same months: what happened of each, with its number above it. */
export function beside(events: { month: string; of: string; number: number }[], rows: string[], months: string[], width: number, label: string): Element {
  const most = (of: string) => Math.max(...events.filter((event) => event.of === of).map(({ number }) => number));
  const bars = events.map((event) => ({ ...event, x1: date(event.month), x2: date(monthAfter(event.month)), share: event.number / most(event.of) }));
  const plot = Plot.plot({
    width,
    height: 60 + 80 * rows.length,
    marginTop: 30,
    className: "plot",
    x: { type: "utc", domain: [date(months[0] ?? ""), date(monthAfter(months.at(-1) ?? ""))], tickFormat: named, ticks: some(months, width).map(date), label: null },
    y: { axis: null, domain: [0, 1.8] },
    fy: { domain: rows, axis: null, padding: 0.2 },
    marks: [
      Plot.frame({ stroke: "var(--line)" }),
      Plot.text(rows, { fy: (row: string) => row, frameAnchor: "top-left", dx: 4, dy: 4, text: (row: string) => row, fill: "var(--soft)" }),
      Plot.rect(bars, { fy: "of", x1: "x1", x2: "x2", y1: 0, y2: "share", fill: "var(--act)", insetLeft: 0.5, insetRight: 0.5 }),
      Plot.text(bars, { fy: "of", x: (bar: { x1: Date; x2: Date }) => new Date((bar.x1.getTime() + bar.x2.getTime()) / 2), y: "share", dy: -8, text: (bar: { number: number }) => String(bar.number), fill: "var(--ink)" }),
    ],
  });
  return bare(plot, label);
}
