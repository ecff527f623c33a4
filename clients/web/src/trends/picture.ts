/** A figure as a picture: a chart or a table as SVG that stands by itself, the map as it is shown as PNG; above it what it
shows, and what was asked for it.
*/

import { save } from "./csv";

export function picture(figure: Element, name: string, said: string[]): void {
  const [map, table] = [figure.querySelector("canvas"), figure.querySelector("table")];
  const chart = figure.querySelector("svg.plot") ?? (!map && table && written(table));
  if (chart) return save(`${name}.svg`, "image/svg+xml", standing(chart, said));
  if (map) headed(map, said).toBlob((made) => made && save(`${name}.png`, "image/png", made));
}

const [ROW, LETTER, GAP] = [30, 8, 24]; // pixels
const [LINE, FONT] = [20, "Noto Sans, sans-serif"];

/** A table as a drawing: a line a row, as wide as its longest words, with the bars under its amounts. */
function written(table: HTMLTableElement): Element {
  const rows = [...table.rows].map(({ cells }) => [...cells]);
  const text = (cell: HTMLElement) => (cell.textContent ?? "").trim().replace(/\s+/g, " ");
  const widths = (rows[0] ?? []).map((_, n) => LETTER * Math.max(...rows.map((row) => (row[n] ? text(row[n]).length : 0))) + GAP);
  const starts = widths.map((_, n) => GAP / 2 + widths.slice(0, n).reduce((sum, width) => sum + width, 0));
  const [width, height] = [widths.reduce((sum, one) => sum + one, GAP), ROW * rows.length + GAP / 2];
  const drawing = shape("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "Noto Sans, sans-serif", "font-size": 14 });
  for (const [line, row] of rows.entries())
    for (const [n, cell] of row.entries()) {
      const [x, y] = [starts[n] ?? 0, ROW * line + 20];
      const words = shape("text", { x, y, fill: cell.closest("thead") ? "var(--soft)" : "var(--ink)" });
      words.textContent = text(cell);
      const share = parseFloat(cell.querySelector<HTMLElement>(".bar")?.style.width ?? "");
      drawing.append(words, ...(share > 0 ? [shape("rect", { x, y: y + 4, width: ((widths[n] ?? 0) - GAP) * share / 100, height: 3, fill: "var(--act)" })] : []));
    }
  return drawing;
}

const SVG = "http://www.w3.org/2000/svg";

function shape(name: string, attributes: Record<string, string | number>): Element {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}

/** With the colours of the page written out, its ground, and the words above it. */
function standing(chart: Element, said: string[]): string {
  const colours = getComputedStyle(document.documentElement);
  const [own, height] = ["width", "height"].map((side) => Number(chart.getAttribute(side)) || 0) as [number, number];
  const width = Math.max(own, LETTER * Math.max(...said.map(({ length }) => length)) + GAP);
  const head = LINE * said.length + GAP / 2;
  const copy = shape("svg", { xmlns: SVG, width, height: height + head, "font-family": FONT, "font-size": 12, color: colours.getPropertyValue("--ink").trim() });
  copy.append(shape("rect", { width: "100%", height: "100%", fill: "var(--card)" }));
  for (const [n, line] of said.entries()) {
    const words = shape("text", { x: GAP / 2, y: LINE * (n + 1), fill: n ? "var(--soft)" : "var(--ink)", "font-weight": n ? 400 : 700 });
    words.textContent = line;
    copy.append(words);
  }
  const drawn = chart.cloneNode(true) as Element;
  drawn.setAttribute("y", String(head));
  copy.append(drawn);
  return new XMLSerializer().serializeToString(copy).replace(/var\((--[\w-]+)\)/g, (_, property: string) => colours.getPropertyValue(property).trim());
}

/** The map with the words above it. */
function headed(map: HTMLCanvasElement, said: string[]): HTMLCanvasElement {
  const colours = getComputedStyle(document.documentElement);
  const scale = devicePixelRatio;
  const head = (LINE * said.length + GAP / 2) * scale;
  const made = Object.assign(document.createElement("canvas"), { width: map.width, height: map.height + head });
  const pen = made.getContext("2d") as CanvasRenderingContext2D;
  pen.fillStyle = colours.getPropertyValue("--card");
  pen.fillRect(0, 0, made.width, head);
  for (const [n, line] of said.entries()) {
    pen.font = `${n ? 400 : 700} ${12 * scale}px ${FONT}`;
    pen.fillStyle = colours.getPropertyValue(n ? "--soft" : "--ink");
    pen.fillText(line, (GAP / 2) * scale, LINE * (n + 1) * scale, made.width - GAP * scale);
  }
  pen.drawImage(map, 0, head);
  return made;
}
