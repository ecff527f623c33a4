/** Beside what is usual for the unit itself: which months of the period lie farthest from its own past. */

import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, useAnswer } from "../parts";
import { number, t, when } from "../words";
import { type Answer, type Cell } from "./answer";
import { CellsFigure } from "./figure";
import { asked, change, type Filter, monthAfter, pick, question } from "./question";

const UNITS: Filter[] = ["country", "admin1", "substance", "owner"];
const MOST = 40;

export function Usual() {
  const { unit: wanted, level = "" } = asked();
  const unit = UNITS.find((one) => one === wanted);
  const path = question(unit ? `${unit},month` : "month", [], { compare: "norm", ...(unit === "substance" && level ? { level } : {}) });
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const cells = value?.by[0] === (unit ?? "month") ? [...value.cells].sort((a, b) => far(b) - far(a)).slice(0, MOST) : [];
  useNames(unit ?? "", unit ? cells.map(({ key }) => key[unit]) : []);
  return (
    <CellsFigure title={t("Beside what is usual")} path={path} answer={value} fault={fault} wide>
      <div class="filters">
        <label>
          {t("Each by itself")}
          <select value={unit ?? ""} onChange={(event) => change({ unit: event.currentTarget.value })}>
            <option value="">{t("all together")}</option>
            <option value="country">{t("Country of seizure")}</option>
            <option value="admin1">{t("Division")}</option>
            <option value="substance">{t("Substance")}</option>
            <option value="owner">{t("Owner")}</option>
          </select>
        </label>
      </div>
      {value?.cells.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table>
        <thead>
          <tr>
            {unit && <th scope="col">{t("Each by itself")}</th>}
            <th scope="col">{t("Month")}</th>
            <th scope="col">{t("Seizures")}</th>
            <th scope="col">{t("Usual a month")}</th>
            <th scope="col">{t("Distance, in spreads")}</th>
          </tr>
        </thead>
        <tbody>{cells.map((cell, n) => <Row key={n} cell={cell} unit={unit} />)}</tbody>
      </table>
      <p>
        <small>{t("Usual: the median of the three years before the first month; a month without a record counts as none. Where its past does not spread, no distance is told.")}</small>
      </p>
    </CellsFigure>
  );
}

function Row({ cell, unit }: { cell: Cell; unit: Filter | undefined }) {
  const { month = "" } = cell.key;
  const key = unit && cell.key[unit];
  return (
    <tr>
      {unit && <td>{key ? <button aria-pressed={asked()[unit] === key} onClick={() => pick(unit, key)}>{called(unit, key)}</button> : called(unit, key)}</td>}
      <td>{month ? <button onClick={() => change({ from: month, to: monthAfter(month) })}>{when(month)}</button> : t("not shared with you")}</td>
      <td data-head={t("Seizures")}>{cell.seizures}</td>
      <td data-head={t("Usual a month")}>{cell.norm && number(String(cell.norm.median))}</td>
      <td data-head={t("Distance, in spreads")}>{scored(cell)}</td>
    </tr>
  );
}

const far = ({ seizures, norm }: Cell): number => Math.abs(norm?.score ?? (norm ? (seizures - norm.median) / 1e6 : 0)); // without a distance: last

function scored({ norm }: Cell): string {
  if (norm?.score === null || norm?.score === undefined) return "–";
  return `${norm.score > 0 ? "+" : norm.score < 0 ? "−" : ""}${number(String(Math.abs(norm.score)))}`;
}
