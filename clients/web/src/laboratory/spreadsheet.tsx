/** Many analyses from a spreadsheet: what is wrong in which row, and then all that is right goes to the reviewer. */

import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Empty, Fault, Told, useDoing, Warned } from "../parts";
import { go } from "../route";
import { session } from "../session";
import { save } from "../trends/csv";
import { codes, label, t } from "../words";
import { analysesOf, COLUMNS, linesOf, rowOf, type Several, TEMPLATE } from "./batch";
import { blank } from "./analysis";
import { Drop } from "./drop";
import { put } from "./kept";
import { Reviewer } from "./reviewer";
import { type Entries } from "./sheet";
import { cellsOf, type Cells } from "./table";
import { judge, type Verdict } from "./verdict";

const MOST = 100; // analyses in one question to the service

interface Judged {
  several: Several;
  verdict: Verdict;
}

const csv = (cells: Cells): string => cells.map((row) => `${row.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\r\n`).join("");

export function Spreadsheet() {
  const [found, setFound] = useState<Judged[] | null>(null);
  const [reviewer, setReviewer] = useState("");
  const [handling, setHandling] = useState("TLP:AMBER");
  const { busy, fault, run } = useDoing();
  const open = (file: File) =>
    run(async () => {
      setFound(null);
      const cells = await cellsOf(file).catch(() => {
        throw new Error(t("That file cannot be read. Save the sheet as CSV (UTF-8) or XLSX, of 5 MB at most, and try again."));
      });
      const { missing, lines } = linesOf(cells);
      if (missing.length > 0) throw new Error(t("The first row does not name these columns: {names}. Start from the template.", { names: missing.join(", ") }));
      const { accreditation, proficiency } = blank()["laboratory"] as Entries;
      const several = await analysesOf(lines, { accreditation: accreditation ?? {}, ...(proficiency ? { proficiency } : {}) });
      const judged: Judged[] = [];
      for (let at = 0; at < several.length; at += MOST) {
        const some = several.slice(at, at + MOST);
        const verdicts = await judge(some.map(({ facets }) => facets));
        some.forEach((one, n) => judged.push({ several: one, verdict: verdicts[n] ?? {} }));
      }
      setFound(judged);
    });
  const good = (found ?? []).filter(({ verdict }) => !verdict.problem);
  const fix = (event: SubmitEvent) => {
    event.preventDefault();
    void run(async () => {
      for (const { several } of good) {
        await put(several.facets, { agency: session.value?.agency ?? "", id: crypto.randomUUID(), version: 1, handling }, reviewer);
      }
      go("laboratory/desk");
    });
  };
  return (
    <>
      <p>
        {t("One row for each finding; rows with one reference are one analysis. Techniques are written as COL:POS GC:POS MS:POS.")}{" "}
        <button onClick={() => save("analyses.csv", "text/csv", csv(TEMPLATE))}>{t("Save the template")}</button>
      </p>
      <Drop title={t("Drop a spreadsheet here, or choose one: CSV or XLSX")} accept=".csv,.xlsx" busy={busy} onFile={(file) => void open(file)} />
      {busy && <p role="status">{t("Asking the service …")}</p>}
      <Fault of={fault} />
      {!found && !busy && !fault && <Empty>{t("Nothing is sent for good from here: you see what is wrong in each row first. Columns: {names}.", { names: COLUMNS.join(", ") })}</Empty>}
      {found && found.length === 0 && <Empty>{t("The sheet has no row below its first.")}</Empty>}
      {found && found.length > 0 && (
        <>
          <p role="status">
            <strong>{t("{good} of {all} analyses are ready.", { good: good.length, all: found.length })}</strong>
          </p>
          <Table of={found} />
        </>
      )}
      {good.length > 0 && (
        <form class="ask" onSubmit={fix}>
          <Reviewer chosen={reviewer} onChoose={setReviewer} />
          <label>
            {t("Handling")}
            <select value={handling} onChange={(event) => setHandling(event.currentTarget.value)}>
              {codes("handling").map((code) => <option key={code} value={code}>{`${code} · ${label("handling", code)}`}</option>)}
            </select>
          </label>
          <button class="main" disabled={busy}>{t("Fix {n} for review", { n: good.length })}</button>
        </form>
      )}
    </>
  );
}

const Table = ({ of }: { of: Judged[] }) => (
  <table class="rows">
    <thead>
      <tr>
        <th scope="col">{t("Row")}</th>
        <th scope="col">{t("Reference")}</th>
        <th scope="col">{t("State")}</th>
        <th scope="col">{t("What to change")}</th>
      </tr>
    </thead>
    <tbody>
      {of.flatMap(({ several, verdict }) => rows(several, verdict).map((one, n) => (
        <tr key={`${several.lines[0]?.row}-${n}`}>
          <td data-head={t("Row")}>{one.row}</td>
          <td data-head={t("Reference")}>{String(several.facets["reference"] ?? "")}</td>
          <td data-head={t("State")}>{one.state}</td>
          <td data-head={t("What to change")}>{one.words}</td>
        </tr>
      )))}
    </tbody>
  </table>
);

interface Said {
  row: number | undefined;
  state: string;
  words: ComponentChildren;
}

function rows(several: Several, { problem, warnings = [], derived }: Verdict): Said[] {
  if (problem) {
    const faults = [{ pointer: problem.pointer, words: <Told of={problem} /> }, ...(problem.errors ?? []).slice(1).map(({ pointer, detail }) => ({ pointer, words: <span lang="en">{detail}</span> }))];
    return faults.map(({ pointer, words }) => ({ row: rowOf(pointer ? { pointer } : {}, several), state: t("refused"), words: <>{words}{pointer && ` · ${pointer}`}</> }));
  }
  const met = (derived?.findings ?? []).filter(({ scheme }) => scheme?.met).length;
  const ready = { row: several.lines[0]?.row, state: t("ready"), words: t("SWGDRUG met by {n} of {all} findings", { n: met, all: several.lines.length }) };
  return [ready, ...warnings.map((one) => ({ row: rowOf(one, several), state: t("look again"), words: <Warned of={one} /> }))];
}
