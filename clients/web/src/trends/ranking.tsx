/** A ranked table of one dimension. A row is a button: it filters every other figure, and lets go when pressed again. */

import { useState } from "preact/hooks";
import { purpose, get } from "../api";
import { Empty, useAnswer } from "../parts";
import { t } from "../words";
import { amount, type Answer, change, type Owner, ranked, said, stateOf } from "./answer";
import { CellsFigure } from "./figure";
import { called, useNames } from "../names";
import { Look, meaning, none, Silences } from "./looks";
import { Lineage, Level } from "./tree";
import { asked, compared, type Filter, measured, pick, question } from "./question";

const FEW = 8;

export function Ranking({ dimension, title, owners }: { dimension: Filter; title: string; owners: Owner[] }) {
  const [all, setAll] = useState(false);
  const { level = "" } = asked();
  const path = question(dimension, dimension === "country" ? ["country", "admin1"] : [dimension], {
    ...(compared() === "previous" ? { compare: "previous" } : {}),
    ...(dimension === "substance" && level ? { level } : {}),
  });
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const measure = measured();
  const cells = ranked(value?.cells ?? [], measure);
  const most = Math.max(...cells.map((cell) => amount(cell, measure)), 0);
  const shown = all ? cells : cells.slice(0, FEW);
  useNames(dimension, shown.map(({ key }) => key[dimension]));
  const { [dimension]: chosen, owner: reporter } = asked();
  const counted = new Set(cells.map(({ key }) => key[dimension]));
  const absent = owners.filter(({ owner }) => !counted.has(owner) && (!reporter || reporter === owner));
  return (
    <CellsFigure title={title} path={path} answer={value} fault={fault}>
      {dimension === "substance" && <Level />}
      {dimension === "substance" && chosen && <Lineage of={chosen} />}
      {cells.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table class="ranking">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">{measure === "kg" ? "kg" : t("Seizures")}</th>
            {compared() === "previous" && <th scope="col">{t("Period before")}</th>}
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
                    <>
                      {key === null && <Look of="unshared" />} <em>{called(dimension, key)}</em>
                    </>
                  )}
                </th>
                <td class="amount">
                  {said(cell, measure)}
                  <span class="bar" aria-hidden="true" style={{ width: `${most ? (100 * amount(cell, measure)) / most : 0}%` }} />
                </td>
                {compared() === "previous" && (
                  <td>
                    {cell.previous ? said(cell.previous, measure) : "–"} {change(cell, measure)}
                  </td>
                )}
              </tr>
            );
          })}
          {dimension === "country" && (all || cells.length <= FEW) && absent.map((owner) => <Absent key={owner.owner} owner={owner} />)}
        </tbody>
      </table>
      {dimension !== "country" && <Silences owners={owners} />}
      {cells.length > FEW && (
        <button aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t("Show fewer") : t("Show all {n}", { n: cells.length })}
        </button>
      )}
    </CellsFigure>
  );
}

/** A member country without an amount, and why. */
function Absent({ owner }: { owner: Owner }) {
  const { from = "", to = "" } = asked();
  const state = stateOf(owner, from.slice(0, 7), to.slice(0, 7));
  const zero = state === "reported" || state === "zero";
  return (
    <tr>
      <th scope="row">{called("country", owner.owner)}</th>
      <td>
        <Look of={zero ? "zero" : state} /> {zero ? "0 · " : ""}<small>{state === "reported" ? none() : meaning(state)}</small>
      </td>
    </tr>
  );
}
