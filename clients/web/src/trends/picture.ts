/** A figure as a picture: a chart as SVG that stands by itself, the map as it is shown as PNG. */

import { save } from "./csv";

export function picture(figure: Element, name: string): void {
  const chart = figure.querySelector("svg.plot");
  if (chart) return save(`${name}.svg`, "image/svg+xml", standing(chart));
  figure.querySelector("canvas")?.toBlob((made) => made && save(`${name}.png`, "image/png", made));
}

/** With the colours of the page written out, and its ground. */
function standing(chart: Element): string {
  const colours = getComputedStyle(document.documentElement);
  const copy = chart.cloneNode(true) as Element;
  copy.setAttribute("color", colours.getPropertyValue("--ink").trim());
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [attribute, value] of Object.entries({ width: "100%", height: "100%", fill: "var(--card)" })) ground.setAttribute(attribute, value);
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy).replace(/var\((--[\w-]+)\)/g, (_, property: string) => colours.getPropertyValue(property).trim());
}
