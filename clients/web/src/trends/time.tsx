/** Seizures by month, with the months in which nobody said anything; a period is dragged, or chosen in the table. */

import { get, purpose } from "../api";
import { Empty, useAnswer } from "../parts";
import { language, t, when } from "../words";
import { type Answer, type Owner, said, span, stateIn } from "./answer";
import { Drawn } from "./drawn";
import { Figure } from "./figure";
import { asked, change, measured, monthAfter, monthsFrom, question } from "./question";

const MOST = 120; // months that one chart shows

export function Time({ owners }: { owners: Owner[] }) {
  const path = question("month", ["from", "to"]);
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const measure = measured();
  const { from = "", to = "", owner } = asked();
  const months = [...(value?.cells ?? []).flatMap(({ key }) => key["month"] || []), ...(span(owners) ?? [])].sort();
  const shown = months.length ? monthsFrom(months[0] ?? "", months.at(-1) ?? "").slice(-MOST) : [];
  const sharers = owners.filter((one) => one.shares && (!owner || one.owner === owner));
  const silent = shown.filter((month) => sharers.every((one) => stateIn(one, month) === "silent"));
  const chosen = (month: string) => (!from || month >= from.slice(0, 7)) && (!to || month < to.slice(0, 7));
  const choose = (since: string, until: string) => change({ from: since, to: until });
  const title = t("By month");
  return (
    <Figure title={title} path={path} answer={value} fault={fault} wide pictured>
      {value && shown.length > 0 ? (
        <Drawn
          about={[value, measure, from, to, silent.join(), language.value]}
          draw={(charts, width) => charts.series({ answer: value, measure, months: shown, silent, chosen, width, label: title }, choose)}
        />
      ) : (
        <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>
      )}
      <p>
        <small>{t("Drag over the months to choose a period. Shaded: nobody who shares with you has said anything.")}</small>
      </p>
      <details>
        <summary>{t("As a table")}</summary>
        <table class="ranking">
          <tbody>
            {value?.cells.map((cell) => {
              const month = cell.key["month"];
              return (
                <tr key={month ?? "-"}>
                  <th scope="row">
                    {month ? <button onClick={() => choose(month, monthAfter(month))}>{when(month)}</button> : t("not shared with you")}
                  </th>
                  <td class="amount">{said(cell, measure)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </details>
    </Figure>
  );
}
