/** Seizures that are shared with the reader, for the purpose that it signs, at the precision that their owners allow. */

import { get } from "../api";
import { type Page, Paged, usePages } from "../pages";
import { useAnswer } from "../parts";
import { Purpose } from "../purpose";
import { go, href, route } from "../route";
import { SubstanceFilter } from "../substances";
import { countryName, label, number, t, when } from "../words";

export interface Line {
  line: number;
  substance?: string;
  status: string;
  kg?: string | null;
  rule?: string;
}

export interface Shared {
  id: string;
  version: number;
  kind: string;
  owner: string;
  agency: string;
  handling: string;
  status: string;
  own: boolean;
  gives: string[];
  obligations: string[];
  recalled?: boolean;
  facets: Record<string, unknown>;
  derived?: { items: Line[] };
}

const FILTERS = ["from", "to", "owner", "substance"] as const;

export function Records() {
  const { query } = route.value;
  const asked = new URLSearchParams([...query].filter(([name, value]) => FILTERS.includes(name as "from") && value));
  const path = `/v1/seizures?limit=50&${asked}`;
  return (
    <main>
      <h1>{t("Seizures shared with you")}</h1>
      <Filters key={asked.toString()} query={query} />
      <List path={path} />
    </main>
  );
}

function Filters({ query }: { query: URLSearchParams }) {
  const owner = query.get("owner") ?? "";
  const countries = useAnswer(() => get<{ items: { code: string }[] }>("/v1/countries"), []).value?.items.map(({ code }) => code) ?? [];
  const owners = [...new Set([...countries, ...(owner ? [owner] : [])])];
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    go("records", Object.fromEntries(FILTERS.map((name) => [name, String(given.get(name) ?? "").trim()])));
  };
  return (
    <form class="filters" onSubmit={submit}>
      <Purpose />
      <label>
        {t("From")} <input name="from" type="date" defaultValue={query.get("from") ?? ""} />
      </label>
      <label>
        {t("Until, not included")} <input name="to" type="date" defaultValue={query.get("to") ?? ""} />
      </label>
      <label>
        {t("Owner")}
        <select name="owner">
          <option value="">{t("all")}</option>
          {owners.map((code) => <option key={code} value={code} selected={code === owner}>{countryName(code)}</option>)}
        </select>
      </label>
      <SubstanceFilter title={t("Substance, by any name")} begun={query.get("substance") ?? ""} />
      <button>{t("Show")}</button>
    </form>
  );
}

function List({ path }: { path: string }) {
  const pages = usePages<Page<Shared>>(path);
  return (
    <Paged of={pages} empty={t("No record answers to this. That may be because there is none, or because none is shared with you for this purpose.")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("When")}</th>
            <th scope="col">{t("Where")}</th>
            <th scope="col">{t("What")}</th>
            <th scope="col">{t("How sure")}</th>
            <th scope="col">{t("Owner")}</th>
            <th scope="col">{t("Handling")}</th>
          </tr>
        </thead>
        <tbody>{pages.items.map((record) => <Row key={record.id} record={record} />)}</tbody>
      </table>
    </Paged>
  );
}

function Row({ record }: { record: Shared }) {
  const items = (record.facets["items"] ?? []) as { reported: Record<string, string>; status: string }[];
  return (
    <tr>
      <td>
        <a href={href(`record/${record.id}`)}>{time(record.facets)}</a>
      </td>
      <td>{place(record.facets)}</td>
      <td>
        {items.map(({ reported }, n) => (
          <div key={n}>
            {reported["substance"]} {number(reported["quantity"] ?? "")} {reported["unit"]}
          </div>
        ))}
      </td>
      <td>{[...new Set((record.derived?.items ?? items).map(({ status }) => status))].map((s) => label("identification_statuses", s)).join(", ")}</td>
      <td>{countryName(record.owner)}</td>
      <td>{record.handling}</td>
    </tr>
  );
}

/** The finest time that is given, said as no finer than it is. */
export function time(facets: Record<string, unknown>): string {
  const finest = facets["when.instant"] ?? facets["when.day"] ?? facets["when.month"];
  return typeof finest === "string" ? when(finest) : t("not shared");
}

export function place(facets: Record<string, unknown>): string {
  const point = facets["where.point"] as { lat?: string; lon?: string; place?: string; crossing?: string } | undefined;
  const division = facets["where.admin1"] as { code?: string } | undefined;
  const country = typeof facets["where.country"] === "string" ? countryName(facets["where.country"]) : "";
  const exact = point && [point.place ?? point.crossing, point.lat && `${point.lat}, ${point.lon}`].filter(Boolean).join(" · ");
  const cell = !exact && typeof facets["where.cell"] === "string" ? t("within a cell of about 250 km²") : "";
  return [exact, cell, division?.code, country].filter(Boolean).join(" · ") || t("not shared");
}
