/** A product beside its precursors and the laboratories that made it, month by month. */

import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, Head, useAnswer } from "../parts";
import { go, href, route } from "../route";
import { Drawn } from "../trends/drawn";
import { Figure } from "../trends/figure";
import { monthAfter, monthsFrom } from "../trends/question";
import { eventsOf, tableOf, type Told } from "../trends/timeline";
import { label, language, number, t, when } from "../words";
import { Period } from "../period";
import { Purpose } from "../purpose";

export default function Timeline() {
  const { product = "", from = "", to = "", owner = "" } = Object.fromEntries(route.value.query);
  const change = (given: Record<string, string>) => go("timeline", { product, from, to, owner, ...given });
  const ready = product && from && to;
  const path = `/v1/timeline?${new URLSearchParams({ product, from, to, ...(owner ? { owner } : {}) })}`;
  const { value, fault } = useAnswer(async () => (ready ? get<Told>(path) : undefined), [path, purpose.value]);
  useNames("substance", [product, ...(value?.precursors.map(({ substance }) => substance) ?? [])]);
  const title = t("Precursors, laboratories and the product");
  return (
    <main class="wide">
      <p><a href={href("trends", { substance: product, from, to, owner })}>{t("Trends")}</a></p>
      <h1>{called("substance", product)}</h1>
      <div class="filters">
        <Purpose />
        <Period from={from} to={to} change={change} />
      </div>
      {ready ? (
        <Figure title={title} path={path} answer={value} fault={fault} name={`timeline-${product}`} table={() => tableOf(value?.months ?? [])} wide>
          {value && <Beside told={value} months={monthsFrom(from.slice(0, 7), monthAfter(to.slice(0, 7), -1))} title={title} />}
        </Figure>
      ) : (
        <Empty>{t("Choose the first and the last month.")}</Empty>
      )}
    </main>
  );
}

function Beside({ told, months, title }: { told: Told; months: string[]; title: string }) {
  const names = { precursors: t("Incidents with precursors"), laboratories: t("Clandestine laboratories"), product: t("Seizures of the product") };
  const events = eventsOf(told.months).map(({ of, ...event }) => ({ ...event, of: names[of] }));
  return (
    <>
      {told.months.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <Drawn about={[told, language.value]} draw={(charts, width) => charts.beside(events, Object.values(names), months, width, title)} />
      <table>
        <Head of={[t("Month"), ...Object.values(names)]} />
        <tbody>
          {told.months.map(({ month, precursors, laboratories, product }) => (
            <tr key={month}>
              <td>{when(month)}</td>
              <td data-head={names.precursors}>
                {precursors?.incidents ?? "–"}
                {Object.entries(precursors?.by ?? {}).map(([aspect, { incidents, kg }]) => <div key={aspect}><small>{label("incident_types", aspect)}: {incidents} · {number(kg)} kg</small></div>)}
              </td>
              <td data-head={names.laboratories}>{laboratories ?? "–"}</td>
              <td data-head={names.product}>{product?.seizures ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p>
        <small>
          {t("Precursors")}: {told.precursors.map(({ substance }) => called("substance", substance)).join(", ")}
          <br />
          {told.caveats.map((one) => t(one)).join(" ")}
        </small>
      </p>
    </>
  );
}
