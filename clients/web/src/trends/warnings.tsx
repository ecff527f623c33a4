/** Alerts that reach this reader, where the records that they rest on are disclosed to be. */

import { useMemo } from "preact/hooks";
import { type Alert, type Page } from "../alerts/shapes";
import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, Head, useAnswer } from "../parts";
import { href } from "../route";
import { countryName, t, when } from "../words";
import { place, type Shared } from "../views/records";
import { type Answer } from "./answer";
import { csv } from "./csv";
import { Figure } from "./figure";
import { type Layer } from "./over";
import { asked, FILTERS, question } from "./question";
import { type Mark, whereOf } from "./where";
import { fits } from "./within";

const PATH = "/v1/alerts?state=issued&limit=50";
const MOST = 100; // records that are looked up

interface Warning {
  alert: Alert;
  records: Shared[]; // that it rests on and that answer to the filters
}

export function useWarnings(on: boolean): Layer {
  const filters = FILTERS.map((name) => asked()[name]).join();
  const { value, fault } = useAnswer(async () => (on ? warnings() : undefined), [on, filters, purpose.value]);
  useNames("substance", value?.map(({ alert }) => alert.substance) ?? []);
  const marks = useMemo(() => (value ?? []).flatMap(marksOf), [value]);
  return { marks, table: <Warnings of={value} fault={fault} /> };
}

async function warnings(): Promise<Warning[]> {
  const over = asked();
  const { items } = await get<Page<Alert>>(PATH);
  const ids = [...new Set(items.flatMap(({ records }) => records))].slice(0, MOST);
  const [substances, ...found] = await Promise.all([
    over["substance"] ? get<Answer>(question("substance")).then(({ cells }) => cells.map(({ key }) => key["substance"] ?? "")) : null,
    ...ids.map((id) => get<Shared>(`/v1/seizures/${id}`).catch(() => null)), // of an analysis, or recalled meanwhile
  ]);
  const { centre } = await import("./shapes");
  const known = new Map(found.flatMap((record) => (record && fits(record, over, substances, centre) ? [[record.id, record] as const] : [])));
  const free = FILTERS.every((name) => !over[name] || name === "substance");
  return items
    .map((alert) => ({ alert, records: alert.records.flatMap((id) => known.get(id) ?? []) }))
    .filter(({ alert, records }) => records.length > 0 || (free && (!substances || (alert.substance !== null && substances.includes(alert.substance)))));
}

/** One mark for each place of an alert. */
function marksOf({ alert, records }: Warning): Mark[] {
  const places = new Map(records.map(({ facets }) => [JSON.stringify(whereOf(facets)), whereOf(facets)]));
  return [...places.values()].map((where) => ({ look: "alert", where, view: `alert/${alert.id}`, said: alert.title }));
}

const placesOf = (records: Shared[]): string => [...new Set(records.map(({ facets }) => place(facets)))].join("; ");

const tableOf = (found: Warning[]): string =>
  csv(
    ["id", "issued", "level", "issuer", "rule", "substance", "title", "places"],
    found.map(({ alert, records }) => [alert.id, alert.issued, alert.level, alert.issuer, alert.rule, alert.substance, alert.title, placesOf(records)]),
  );

function Warnings({ of, fault }: { of: Warning[] | undefined; fault: unknown }) {
  return (
    <Figure title={t("Alerts")} path={PATH} answer={of && {}} fault={fault} name="alerts" table={() => tableOf(of ?? [])} wide>
      {of?.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table>
        <Head of={[t("Title"), t("Level"), t("Substance"), t("Issuer"), t("Where")]} />
        <tbody>
          {of?.map(({ alert, records }) => (
            <tr key={alert.id}>
              <td><a href={href(`alert/${alert.id}`)}>{alert.title}</a></td>
              <td data-head={t("Level")}>{alert.level && t(alert.level)}</td>
              <td data-head={t("Substance")}>{alert.substance ? called("substance", alert.substance) : "–"}</td>
              <td data-head={t("Issuer")}>{countryName(alert.issuer)}{alert.issued && ` · ${when(alert.issued)} UTC`}</td>
              <td data-head={t("Where")}>{placesOf(records) || "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Figure>
  );
}
