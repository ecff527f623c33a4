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
  silent: string[]; // months in which nobody who shares has said anything
  chosen: (month: string) => boolean;
  width: number;
  label: string;
}

/** Bars by month; drag over them to choose a period. */
export function series({ answer, measure, months, silent, chosen, width, label }: Series, onBrush: (from: string, to: string) => void): Element {
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
      Plot.rect(silent, { x1: (m: string) => date(m), x2: (m: string) => date(monthAfter(m)), y1: 0, y2: top, fill: "var(--soft)", fillOpacity: 0.18, insetLeft: 0.5, insetRight: 0.5 }),
      Plot.rectY(bars, { x: "month", interval: "month", y: "value", fill: "var(--act)", fillOpacity: (bar: { chosen: boolean }) => (bar.chosen ? 1 : 0.35), insetLeft: 0.5, insetRight: 0.5 }),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
  const svg = bare(plot, label);
  const invert = plot.scale("x")?.invert as ((at: number) => Date) | undefined;
  if (invert) brush(svg, width, (a, b) => onBrush(named(invert(a)), monthAfter(named(invert(b)))));
  return svg;
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
