/** The data of a figure as a file (RFC 4180): codes and numbers as the service gave them, not as this page writes them. */

import { type Answer } from "./answer";
import { called } from "../names";

const MEASURES = ["seizures", "kg", "kg_exact", "kg_converted", "n_unconvertible", "pct_confirmed"] as const;

const field = (value: unknown): string => {
  const text = value === null || value === undefined ? "" : String(value);
  // a spreadsheet takes a leading = + - @ for a formula
  const plain = /^[=+@\t\r]|^-(?![\d.]+$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
};

export const lines = (rows: unknown[][]): string => rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");

export function csv({ by, cells }: Answer): string {
  const head = [...by.flatMap((name) => [name, `${name}_name`]), ...MEASURES];
  const rows = cells.map((cell) => [
    ...by.flatMap((name) => [cell.key[name] ?? "", called(name, cell.key[name])]),
    ...MEASURES.map((measure) => cell[measure]),
  ]);
  return lines([head, ...rows]);
}

export function save(name: string, type: string, content: string | Blob): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
