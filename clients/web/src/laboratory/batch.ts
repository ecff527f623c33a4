/** Analyses from rows: one row a finding; rows of one reference are one analysis. Every fault is led back to its row. */

import { type Facets } from "../records";
import { category, facetsOf, today } from "./analysis";
import { type Entries } from "./sheet";
import { type Cells, day } from "./table";
import { type Problem } from "./verdict";

export const COLUMNS = [
  "reference", "case", "exhibit", "received", "issued", "substance", "code", "level", "role", "techniques",
  "salt", "isomer", "stereo", "value", "unit", "basis", "uncertainty", "k", "lod", "loq",
] as const;
type Column = (typeof COLUMNS)[number];

const NEEDED: Column[] = ["reference", "case", "exhibit", "substance", "techniques"];

export const TEMPLATE: Cells = [
  [...COLUMNS],
  ["LAB-2026-0884", "884", "KZ-CUS/2026-0173/1", today(), today(), "heroin", "SAR-000608", "IDENTIFIED", "MAIN", "COL:POS GC:POS MS:POS", "HCL", "", "", "41.2", "%", "AS_BASE", "1.9", "2", "0.1", "0.4"],
  ["LAB-2026-0884", "884", "KZ-CUS/2026-0173/1", today(), today(), "caffeine", "SAR-000215", "IDENTIFIED", "ADULTERANT", "GC:POS MS:POS", "", "", "", "", "", "", "", "", "", ""],
];

export interface Line {
  row: number; // as the spreadsheet counts
  cells: Record<Column, string>;
}

export interface Several {
  facets: Facets;
  lines: Line[];
}

/** Column names that are missing, where the first row names columns; the lines below it. */
export function linesOf(cells: Cells): { missing: string[]; lines: Line[] } {
  const [head = [], ...rows] = cells;
  const names = head.map((name) => name.trim().toLowerCase());
  const lines = rows.flatMap((row, n) =>
    row.some((cell) => cell.trim())
      ? [{ row: n + 2, cells: Object.fromEntries(COLUMNS.map((name) => [name, (row[names.indexOf(name)] ?? "").trim()])) as Record<Column, string> }]
      : [],
  );
  return { missing: NEEDED.filter((name) => !names.includes(name)), lines };
}

export async function analysesOf(lines: Line[], laboratory: Entries): Promise<Several[]> {
  const groups = new Map<string, Line[]>();
  for (const line of lines) groups.set(line.cells.reference, [...(groups.get(line.cells.reference) ?? []), line]);
  return Promise.all([...groups.values()].map(async (group) => ({ facets: await facetsOf(entriesOf(group, laboratory)), lines: group })));
}

function entriesOf(lines: Line[], laboratory: Entries): Entries {
  const [first] = lines;
  const exhibits = [...new Set(lines.map(({ cells }) => cells.exhibit))];
  const used = [...new Set(lines.flatMap(({ cells }) => uses(cells.techniques)))];
  const received = (number: string) => day(lines.find(({ cells }) => cells.exhibit === number)?.cells.received ?? "");
  return {
    reference: first?.cells.reference ?? "",
    laboratory: {
      ...laboratory,
      case: first?.cells.case ?? "",
      exhibits: exhibits.map((number, n) => ({ n: n + 1, number, received: received(number) || today() })),
      techniques: used.map((use, n) => {
        const [code = "", result = ""] = use.split(":");
        return { n: n + 1, technique: code, category: category(code), edition: "8.2", result };
      }),
      issued: day(first?.cells.issued ?? "") || today(),
    },
    items: lines.map(({ cells }, n) => ({
      line: n + 1,
      exhibit: exhibits.indexOf(cells.exhibit) + 1,
      substance: cells.code,
      reported: cells.substance,
      level: cells.level || "IDENTIFIED",
      role: cells.role || (n === 0 ? "MAIN" : "ADULTERANT"),
      techniques: uses(cells.techniques).map((use) => used.indexOf(use) + 1),
      salt: cells.salt,
      isomer: cells.isomer,
      stereo: cells.stereo,
    })),
    purity: lines.flatMap(({ cells }, n) =>
      cells.value
        ? [{ line: n + 1, value: point(cells.value), unit: cells.unit || "%", basis: cells.basis || "AS_BASE", uncertainty: point(cells.uncertainty), k: point(cells.k), lod: point(cells.lod), loq: point(cells.loq) }]
        : [],
    ),
  };
}

const point = (number: string): string => number.replace(",", ".");
const uses = (text: string): string[] => text.toUpperCase().split(/[\s;]+/).filter(Boolean).map((use) => (use.includes(":") ? use : `${use}:POS`));

/** The row that a problem is about: that of the finding, else the first of its analysis. */
export function rowOf(problem: Pick<Problem, "pointer">, { facets, lines }: Several): number | undefined {
  const [, facet, index = ""] = problem.pointer?.split("/") ?? [];
  const contents = (facets["purity"] ?? []) as { line: number }[];
  const at = facet === "items" ? Number(index) : facet === "purity" ? (contents[Number(index)]?.line ?? 1) - 1 : 0;
  return (lines[at] ?? lines[0])?.row;
}
