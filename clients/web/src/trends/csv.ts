/** The data of a figure as a file (RFC 4180): codes and numbers as the service gave them, not as this page writes them. */

import { type Answer } from "./answer";
import { called } from "../names";

const MEASURES = ["seizures", "kg", "kg_exact", "kg_converted", "n_unconvertible", "pct_confirmed"] as const;

const field = (value: unknown): string => {
  const text = value === null || value === undefined ? "" : String(value);
  // a spreadsheet takes a leading = + - @ for a formula, also after what separates columns in many countries
  const plain = (/^[=+@\t\r]|^-(?![\d.]+$)/.test(text) ? `'${text}` : text).replace(/([;\t]\s*)(?=[=+@-])/g, "$1'");
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
};

export const csv = (head: string[], rows: unknown[][]): string => [head, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");

/** A cell a line, with what it is compared with where that was asked for. */
export function csvOf({ by, cells }: Answer): string {
  const before = cells.some(({ previous }) => previous !== undefined) ? (["seizures", "kg"] as const) : [];
  const usual = cells.some(({ norm }) => norm) ? (["median", "spread", "score", "periods"] as const) : [];
  return csv(
    [...by.flatMap((name) => [name, `${name}_name`]), ...MEASURES, ...before.map((name) => `previous_${name}`), ...usual.map((name) => `norm_${name}`)],
    cells.map((cell) => [
      ...by.flatMap((name) => [cell.key[name] ?? "", called(name, cell.key[name])]),
      ...MEASURES.map((measure) => cell[measure]),
      ...before.map((name) => cell.previous?.[name]),
      ...usual.map((name) => cell.norm?.[name]),
    ]),
  );
}

export function save(name: string, type: string, content: string | Blob): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
