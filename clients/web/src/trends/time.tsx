/** Seizures by month, with the months in which nobody said anything; a period is dragged, or chosen in the table. */

import { get, purpose } from "../api";
import { Empty, useAnswer } from "../parts";
import { language, t, when } from "../words";
import { type Answer, type Owner, said, span, stateIn, together } from "./answer";
import { Drawn } from "./drawn";
import { CellsFigure } from "./figure";
import { Legend, Look, meaning, none } from "./looks";
import { asked, change, measured, monthAfter, monthsFrom, question, settled } from "./question";

const MOST = 120; // months that one chart shows

export function Time({ owners }: { owners: Owner[] }) {
  const path = question("month", ["from", "to"]);
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const measure = measured();
  const { from = "", to = "", owner } = asked();
  const months = [...(value?.cells ?? []).flatMap(({ key }) => key["month"] || []), ...(span(owners) ?? [])].sort();
  const shown = months.length ? monthsFrom(months[0] ?? "", months.at(-1) ?? "").slice(-MOST) : [];
  const sharers = owners.filter((one) => one.shares && (!owner || one.owner === owner));
  const states = new Map(shown.map((month) => [month, together(sharers.map((one) => stateIn(one, month)))]));
  const chosen = (month: string) => (!from || month >= from.slice(0, 7)) && (!to || month < to.slice(0, 7));
  const cells = new Map(value?.cells.map((cell) => [cell.key["month"], cell]));
  const undated = cells.get(null);
  const choose = (since: string, until: string) => change({ from: since, to: until });
  const title = t("By month");
  return (
    <CellsFigure title={title} path={path} answer={value} fault={fault} wide>
      {value && shown.length > 0 ? (
        <Drawn
          about={[value, measure, from, to, [...states.values()].join(), language.value]}
          draw={(charts, width) => charts.series({ answer: value, measure, months: shown, states, chosen, width, label: title }, choose)}
        />
      ) : (
        <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>
      )}
      {shown.length > 1 && <Ends months={shown} />}
      <p>
        <small>{t("Drag over the months to choose a period, or move its ends here.")}</small>
      </p>
      <p class="legend">
        <Legend zero={t("whoever spoke has reported that there were none")} />
      </p>
      <details>
        <summary>{t("As a table")}</summary>
        <table class="ranking">
          <tbody>
            {shown.map((month) => {
              const [cell, state = "unshared"] = [cells.get(month), states.get(month)];
              return (
                <tr key={month}>
                  <th scope="row">
                    <button onClick={() => choose(month, monthAfter(month))}>{when(month)}</button>
                  </th>
                  <td class="amount">{cell ? said(cell, measure) : state === "reported" ? <>0 <small>{none()}</small></> : <><Look of={state} /> <small>{meaning(state)}</small></>}</td>
                </tr>
              );
            })}
            {undated && (
              <tr>
                <th scope="row">
                  <Look of="unshared" /> {t("not shared with you")}
                </th>
                <td class="amount">{said(undated, measure)}</td>
              </tr>
            )}
          </tbody>
        </table>
      </details>
    </CellsFigure>
  );
}

/** Both ends of the period, for keys and for fingers: one never passes the other. */
function Ends({ months }: { months: string[] }) {
  const { from = "", to = "" } = asked();
  const last = months.length - 1;
  const place = (month: string, otherwise: number) => (month ? Math.min(last, Math.max(0, months.findLastIndex((one) => one <= month))) : otherwise);
  const [begin, end] = [place(from.slice(0, 7), 0), place(to && monthAfter(to.slice(0, 7), -1), last)];
  const until = (month: number) => monthAfter(months[month] ?? "");
  return (
    <div class="ends">
      <End title={t("Beginning of the period")} months={months} at={begin} onMove={(month) => settled({ from: months[month] ?? "", ...(month > end && { to: until(month) }) })} />
      <End title={t("End of the period")} months={months} at={end} onMove={(month) => settled({ to: until(month), ...(month < begin && { from: months[month] ?? "" }) })} />
    </div>
  );
}

const End = ({ title, months, at, onMove }: { title: string; months: string[]; at: number; onMove: (month: number) => void }) => (
  <input type="range" aria-label={title} aria-valuetext={when(months[at] ?? "")} min={0} max={months.length - 1} value={at} onChange={(event) => onMove(Number(event.currentTarget.value))} />
);
