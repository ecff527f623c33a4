/** What each member controls, side by side, with the gaps. */

import { type Page, Paged, usePages } from "../pages";
import { go, route } from "../route";
import { SubstanceFilter } from "../substances";
import { countryName, t } from "../words";
import { type Cell, Word } from "./control";

interface Row {
  substance: string;
  name: string;
  group: string;
  conventions: { convention: string; schedule: string }[];
  countries: Record<string, Cell>;
  gaps: string[];
}

interface Compared extends Page<Row> {
  on: string;
  members: { country: string; list: boolean }[];
  caveat: string;
}

const FILTERS = ["substance", "group", "on", "gaps"];

export function Listings() {
  const { query } = route.value;
  const asked = new URLSearchParams([...query].filter(([name, value]) => FILTERS.includes(name) && value));
  const pages = usePages<Compared>(`/v1/listings/table?limit=50&${asked}`, "after");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    go("laboratory/listings", Object.fromEntries(FILTERS.map((name) => [name, String(given.get(name) ?? "").trim()])));
  };
  const members = pages.first?.members ?? [];
  const silent = members.filter(({ list }) => !list).map(({ country }) => countryName(country));
  return (
    <>
      <form class="filters" onSubmit={submit}>
        <SubstanceFilter title={t("Substance, by any name, with all below it")} begun={query.get("substance") ?? ""} />
        <label>
          {t("Group")} <input name="group" placeholder="synthetic-cathinones" defaultValue={query.get("group") ?? ""} />
        </label>
        <label>
          {t("On the day")} <input name="on" type="date" defaultValue={query.get("on") ?? ""} />
        </label>
        <label class="check">
          <input type="checkbox" name="gaps" value="true" defaultChecked={query.get("gaps") === "true"} /> {t("Only where there is a gap")}
        </label>
        <button>{t("Show")}</button>
      </form>
      {silent.length > 0 && <p>{t("Have entered no list: {names}. Their silence says nothing.", { names: silent.join(", ") })}</p>}
      <Paged of={pages} empty={t("No substance answers to this. A policy officer enters a country's list, signed, over the interface.")}>
        <Table rows={pages.items} members={members.filter(({ list }) => list).map(({ country }) => country)} />
      </Paged>
      {pages.first && <p><small>{t(pages.first.caveat)}</small></p>}
    </>
  );
}

const Table = ({ rows, members }: { rows: Row[]; members: string[] }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label={t("Listings compared")}>
    <table>
      <thead>
        <tr>
          <th scope="col">{t("Substance")}</th>
          <th scope="col">{t("Conventions")}</th>
          {members.map((code) => <th key={code} scope="col">{countryName(code)}</th>)}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.substance}>
            <td><strong>{row.name}</strong> <small>{row.substance}</small></td>
            <td data-head={t("Conventions")}>{row.conventions.map((one) => `${one.convention} ${one.schedule}`).join("; ")}</td>
            {members.map((code) => (
              <td key={code} data-head={countryName(code)}><Word cell={row.countries[code]} gap={row.gaps.includes(code)} /></td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
