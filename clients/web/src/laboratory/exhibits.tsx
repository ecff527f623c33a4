/** Exhibits of one's own country whose other half has not come: analyses without a report, reports without a result. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { go, href, route } from "../route";
import { t, when } from "../words";

interface Waiting {
  record: string;
  agency: string;
  since: string;
  exhibits: string[];
  held: { line: number; exhibit: string; analysis: string; reason: string }[];
}

interface Page {
  items: Waiting[];
  next: string | null;
}

export function Exhibits() {
  const side = route.value.query.get("side") === "analysis" ? "analysis" : "report";
  const path = `/v1/exhibits?limit=50&side=${side}`;
  const first = useAnswer(() => get<Page>(path), [path]);
  const [more, setMore] = useState<Page[]>([]);
  const { busy, fault, run } = useDoing();
  const pages = first.value ? [first.value, ...more] : [];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  return (
    <>
      <div class="filters">
        <label>
          {t("What waits")}
          <select value={side} onChange={(event) => go("laboratory/exhibits", { side: event.currentTarget.value })}>
            <option value="report">{t("Reports, for a laboratory's result")}</option>
            <option value="analysis">{t("Analyses, for the report of their exhibits")}</option>
          </select>
        </label>
      </div>
      <Fault of={first.fault ?? fault} />
      {!first.value && !first.fault && <p role="status">{t("Loading …")}</p>}
      {first.value && items.length === 0 && (
        <Empty>
          {side === "report"
            ? t("No report of your country waits for a result. A report appears here when its items carry exhibit numbers.")
            : t("No analysis of your country waits. One appears here until a report carries the number of its exhibit.")}
        </Empty>
      )}
      {items.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("Exhibits")}</th>
              <th scope="col">{t("Agency")}</th>
              <th scope="col">{t("Waits since")}</th>
              <th scope="col">{t("What to do")}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.record}>
                <td>{one.exhibits.join(", ")}</td>
                <td data-head={t("Agency")}>{one.agency}</td>
                <td data-head={t("Waits since")}>{when(one.since)} UTC</td>
                <td>
                  {side === "report" ? <Act waiting={one} /> : t("Ask whoever seized it to file the report with this number.")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {next && (
        <button disabled={busy} onClick={() => run(async () => setMore([...more, await get<Page>(`${path}&cursor=${encodeURIComponent(next)}`)]))}>
          {t("Show more")}
        </button>
      )}
    </>
  );
}

/** Enter the result; or, where it has come, why it stands off the line. */
function Act({ waiting }: { waiting: Waiting }) {
  const said = new Map(waiting.held.map((one) => [one.exhibit, one.reason]));
  return (
    <>
      {waiting.exhibits.map((number) => (
        <div key={number}>
          {said.has(number) ? t(`held-${said.get(number)}`) : <a href={href("laboratory/enter", { exhibit: number })}>{t("Enter its analysis")} <small>{number}</small></a>}
        </div>
      ))}
      <a href={href(`record/${waiting.record}`)}>{t("The report")}</a>
    </>
  );
}
