/** A ranked table of one dimension. A row is a button: it filters every other figure, and lets go when pressed again. */

import { useState } from "preact/hooks";
import { purpose, get } from "../api";
import { Empty, useAnswer } from "../parts";
import { t } from "../words";
import { amount, type Answer, change, ranked, said } from "./answer";
import { Figure } from "./figure";
import { called, useNames } from "../names";
import { Lineage, Level } from "./tree";
import { asked, compared, type Filter, measured, pick, question } from "./question";

const FEW = 8;

export function Ranking({ dimension, title }: { dimension: Filter; title: string }) {
  const [all, setAll] = useState(false);
  const { level = "" } = asked();
  const path = question(dimension, dimension === "country" ? ["country", "admin1"] : [dimension], {
    ...(compared() ? { compare: "previous" } : {}),
    ...(dimension === "substance" && level ? { level } : {}),
  });
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const measure = measured();
  const cells = ranked(value?.cells ?? [], measure);
  const most = Math.max(...cells.map((cell) => amount(cell, measure)), 0);
  const shown = all ? cells : cells.slice(0, FEW);
  useNames(dimension, shown.map(({ key }) => key[dimension]));
  const chosen = asked()[dimension];
  return (
    <Figure title={title} path={path} answer={value} fault={fault}>
      {dimension === "substance" && <Level />}
      {dimension === "substance" && chosen && <Lineage of={chosen} />}
      {cells.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table class="ranking">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">{measure === "kg" ? "kg" : t("Seizures")}</th>
            {compared() && <th scope="col">{t("Period before")}</th>}
          </tr>
        </thead>
        <tbody>
          {shown.map((cell) => {
            const key = cell.key[dimension];
            return (
              <tr key={key ?? "-"}>
                <th scope="row">
                  {key ? (
                    <button aria-pressed={chosen === key} onClick={() => pick(dimension, key)}>
                      {called(dimension, key)}
                    </button>
                  ) : (
                    <em>{called(dimension, key)}</em>
                  )}
                </th>
                <td class="amount">
                  {said(cell, measure)}
                  <span class="bar" aria-hidden="true" style={{ width: `${most ? (100 * amount(cell, measure)) / most : 0}%` }} />
                </td>
                {compared() && (
                  <td>
                    {cell.previous ? said(cell.previous, measure) : "–"} {change(cell, measure)}
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
      {cells.length > FEW && (
        <button aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t("Show fewer") : t("Show all {n}", { n: cells.length })}
        </button>
      )}
    </Figure>
  );
}
