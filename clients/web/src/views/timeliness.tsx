/** Which agencies of one's country have filed, and how long each stage of a record's way took. */

import { type ComponentChildren } from "preact";
import { get } from "../api";
import { Empty, Fault, Head, useAnswer } from "../parts";
import { go, href, route } from "../route";
import { holds } from "../session";
import { type Owner } from "../trends/answer";
import { csv, save } from "../trends/csv";
import { Drawn } from "../trends/drawn";
import { monthsFrom } from "../trends/question";
import { language, number, t, when } from "../words";

interface Agency {
  agency: string;
  name: string;
  last_filed: string | null;
  records: number;
  zero_reports: number;
  reported: [string, string][];
  zero: [string, string][];
  silent: [string, string][];
}

interface Lag {
  stage: string;
  agency: string | null;
  month: string | null;
  n: number;
  without: number;
  median: number | null; // hours, as the next
  p90: number | null;
}

interface Answer {
  country: string;
  first_month: string;
  last_month: string;
  agencies: Agency[];
  lags: Lag[];
}

interface Unit {
  length: number; // hours
  write: (n: string) => string;
}

interface Stage {
  name: string;
  says: string;
  lacks: string; // what has no value
}

const stages = (): Record<string, Stage> => ({
  "event-to-report": {
    name: t("Event to report"),
    says: t("From the event to the filing of its report. A day without a time counts from its beginning (UTC)."),
    lacks: t("reports that state no day"),
  },
  "report-to-log": {
    name: t("Filing to log"),
    says: t("From the filing of a record to the first checkpoint of the log that covers it."),
    lacks: t("records that no checkpoint covers yet"),
  },
  "exhibit-to-analysis": {
    name: t("Exhibit to analysis"),
    says: t("From the day on which the laboratory received an exhibit to the day on which its analysis was issued."),
    lacks: t("analyses whose days are kept no longer"),
  },
  "analysis-to-filing": {
    name: t("Analysis to filing"),
    says: t("From the beginning of the day on which an analysis was issued (UTC) to its filing."),
    lacks: t("analyses whose days are kept no longer"),
  },
  "report-to-result": {
    name: t("Report to result"),
    says: t("From the filing of a report to the first result of an own laboratory that counts for its line. Lines without the number of an exhibit are left out."),
    lacks: t("lines that have no such result yet"),
  },
  "request-to-answer": {
    name: t("Request to answer"),
    says: t("From a request of another country to its answer, in the month in which it was asked."),
    lacks: t("requests that are open"),
  },
});

/** The unit in which so many hours read well. */
function unitOf(hours: number): Unit {
  if (hours >= 48) return { length: 24, write: (n) => t("{n} d", { n }) };
  if (hours >= 2) return { length: 1, write: (n) => t("{n} h", { n }) };
  if (hours >= 1 / 30) return { length: 1 / 60, write: (n) => t("{n} min", { n }) };
  return { length: 1 / 3600, write: (n) => t("{n} s", { n }) };
}

function lasting(hours: number | null): string {
  if (hours === null) return "–";
  const { length, write } = unitOf(hours);
  return write(number(String(Number((hours / length).toFixed(1)))));
}

const spans = (ranges: [string, string][]): string =>
  ranges.map(([first, last]) => (first === last ? when(first) : `${when(first)} – ${when(last)}`)).join(", ");

export default function Timeliness() {
  const given = Object.fromEntries(route.value.query);
  const { from = "", to = "", agency = "", stage = "event-to-report" } = given;
  const asked = new URLSearchParams([...(from ? [["first_month", from]] : []), ...(to ? [["last_month", to]] : [])] as string[][]);
  const path = `/v1/timeliness${asked.size ? `?${asked}` : ""}`;
  const { value, fault } = useAnswer(() => get<Answer>(path), [path]);
  const change = (what: Record<string, string>) => go("timeliness", { ...given, ...what });
  return (
    <main>
      <h1>{t("Coverage and timeliness")}</h1>
      <p>{t("Of your country's own records, in the month in which they were first filed. What they say is not shown here.")}</p>
      <div class="filters">
        <label>
          {t("From month")} <input type="month" value={from || value?.first_month || ""} onChange={(event) => change({ from: event.currentTarget.value })} />
        </label>
        <label>
          {t("Through month")} <input type="month" value={to || value?.last_month || ""} onChange={(event) => change({ to: event.currentTarget.value })} />
        </label>
        <label>
          {t("Agency")}
          <select value={agency} onChange={(event) => change({ agency: event.currentTarget.value })}>
            <option value="">{t("All agencies")}</option>
            {value?.agencies.map((one) => <option key={one.agency} value={one.agency}>{one.agency} · {one.name}</option>)}
          </select>
        </label>
      </div>
      <Fault of={fault} />
      {!value && !fault && <p role="status">{t("Loading …")}</p>}
      {value && (
        <div class="figures">
          <Coverage answer={value} agency={agency} onPick={(picked) => change({ agency: picked })} />
          <Lags answer={value} agency={agency} stage={stage} onPick={(picked) => change({ stage: picked })} />
        </div>
      )}
    </main>
  );
}

function Coverage({ answer, agency, onPick }: { answer: Answer; agency: string; onPick: (agency: string) => void }) {
  const { agencies, first_month, last_month } = answer;
  const owners: Owner[] = agencies.map(({ agency: owner, reported, zero }) => ({ owner, shares: true, reported, zero }));
  const title = t("Who has reported");
  const head = ["agency", "name", "last_filed", "records", "zero_reports", "silent"];
  const rows = agencies.map((one) => [one.agency, one.name, one.last_filed, one.records, one.zero_reports, one.silent.map((span) => span.join("/")).join(" ")]);
  return (
    <Part title={title} name="coverage" head={head} rows={rows}>
      <Drawn about={[answer, language.value]} draw={(charts, width) => charts.silences(owners, [first_month, last_month], width, (code) => code, title)} />
      <p>
        <small>{t("Filled: records were filed. 0: only reports that there was nothing. A dot: nothing, which is not a zero.")}</small>
      </p>
      <table>
        <Head of={[t("Agency"), t("Last reported"), t("Records"), t("Of them reports of none"), t("Months without any")]} />
        <tbody>
          {agencies.map((one) => (
            <tr key={one.agency}>
              <td>
                <button aria-pressed={agency === one.agency} onClick={() => onPick(agency === one.agency ? "" : one.agency)}>
                  {one.agency} · {one.name}
                </button>
              </td>
              <td data-head={t("Last reported")}>{one.last_filed ? `${when(one.last_filed)} UTC` : "–"}</td>
              <td class="amount" data-head={t("Records")}>{number(String(one.records))}</td>
              <td class="amount" data-head={t("Of them reports of none")}>{number(String(one.zero_reports))}</td>
              <td data-head={t("Months without any")}>{spans(one.silent) || "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Part>
  );
}

function Lags({ answer, agency, stage, onPick }: { answer: Answer; agency: string; stage: string; onPick: (stage: string) => void }) {
  const known = stages();
  const shown = answer.lags.filter((lag) => (lag.agency ?? "") === agency && lag.stage in known);
  const whole = shown.filter(({ month }) => month === null);
  const chosen = whole.some((lag) => lag.stage === stage) ? stage : (whole[0]?.stage ?? "");
  const head = ["stage", "agency", "month", "n", "without", "median_hours", "p90_hours"];
  const rows = answer.lags.map((lag) => [lag.stage, lag.agency, lag.month, lag.n, lag.without, lag.median, lag.p90]);
  return (
    <Part title={t("How long each stage takes")} name="timeliness" head={head} rows={rows}>
      {whole.length === 0 ? (
        <Empty>
          {t("Nothing was filed in these months. Choose others above.")}{" "}
          {holds("key_administrator") && <a href={href("registry")}>{t("See who holds a key to file with.")}</a>}
        </Empty>
      ) : (
        <>
          <table>
            <Head of={[t("Stage"), t("Median"), t("Nine of ten within"), t("Counted"), t("Without a value")]} />
            <tbody>
              {whole.map((lag) => (
                <tr key={lag.stage}>
                  <td>
                    <button aria-pressed={chosen === lag.stage} onClick={() => onPick(lag.stage)}>{known[lag.stage]?.name}</button>
                    <small>{known[lag.stage]?.says}</small>
                  </td>
                  <td class="amount lasting" data-head={t("Median")}>{lasting(lag.median)}</td>
                  <td class="amount lasting" data-head={t("Nine of ten within")}>{lasting(lag.p90)}</td>
                  <td class="amount" data-head={t("Counted")}>{number(String(lag.n))}</td>
                  <td class="amount" data-head={t("Without a value")}>
                    {number(String(lag.without))}
                    {lag.without > 0 && <small> {known[lag.stage]?.lacks}</small>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <ByMonth answer={answer} lags={shown.filter((lag) => lag.stage === chosen && lag.month !== null)} name={known[chosen]?.name ?? ""} />
        </>
      )}
    </Part>
  );
}

function ByMonth({ answer, lags, name }: { answer: Answer; lags: Lag[]; name: string }) {
  const months = monthsFrom(answer.first_month, answer.last_month);
  const longest = Math.max(...lags.map(({ p90 }) => p90 ?? 0), 0);
  const unit = unitOf(longest);
  const rows = lags.flatMap(({ month, median, p90 }) =>
    month === null || median === null || p90 === null ? [] : [{ month, median: median / unit.length, p90: p90 / unit.length }],
  );
  const title = t("{stage} by month", { stage: name });
  return (
    <>
      <h3>{title}</h3>
      <Drawn about={[lags.map(({ month, median, p90 }) => [month, median, p90]).join(), title, language.value]} draw={(charts, width) => charts.taken(rows, months, unit.write("").trim(), width, title)} />
      <p>
        <small>{t("Bars: the median. Lines: nine of ten took no longer.")}</small>
      </p>
      <details>
        <summary>{t("As a table")}</summary>
        <table>
          <Head of={[t("Month"), t("Median"), t("Nine of ten within"), t("Counted"), t("Without a value")]} />
          <tbody>
            {lags.map((lag) => (
              <tr key={lag.month}>
                <th scope="row">{when(lag.month ?? "")}</th>
                <td class="amount lasting" data-head={t("Median")}>{lasting(lag.median)}</td>
                <td class="amount lasting" data-head={t("Nine of ten within")}>{lasting(lag.p90)}</td>
                <td class="amount" data-head={t("Counted")}>{number(String(lag.n))}</td>
                <td class="amount" data-head={t("Without a value")}>{number(String(lag.without))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Part({ title, name, head, rows, children }: { title: string; name: string; head: string[]; rows: unknown[][]; children: ComponentChildren }) {
  return (
    <section class="figure wide" aria-label={title}>
      <h2>{title}</h2>
      {children}
      <p>
        <button onClick={() => save(`${name}.csv`, "text/csv", csv(head, rows))}>{t("Save as CSV")}</button>
      </p>
    </section>
  );
}
