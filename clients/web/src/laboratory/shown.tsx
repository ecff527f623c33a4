/** What an analysis says, for whoever reviews it or reads it again. */

import { type Facets } from "../records";
import { label, number, t, when } from "../words";
import { type Entries } from "./sheet";

export function Findings({ facets }: { facets: Facets }) {
  const laboratory = (facets["laboratory"] ?? {}) as { case?: string; issued?: string; exhibits?: Entries[]; techniques?: Entries[] };
  const items = (facets["items"] ?? []) as Entries[];
  const purity = (facets["purity"] ?? []) as Entries[];
  const used = (numbers: unknown): string =>
    (laboratory.techniques ?? [])
      .filter(({ n }) => ((numbers ?? []) as unknown[]).includes(n))
      .map(({ technique, result }) => `${technique} (${label("technique_results", String(result))})`)
      .join(", ");
  const contents = (line: unknown): string =>
    purity
      .filter((one) => one["line"] === line)
      .map((one) => `${number(String(one["value"]))}${one["uncertainty"] ? ` ± ${number(String(one["uncertainty"]))}` : ""} ${one["unit"]}, ${label("purity_bases", String(one["basis"]))}`)
      .join("; ");
  return (
    <>
      <p>
        {[
          laboratory.case && t("Case {name}", { name: laboratory.case }),
          laboratory.issued && when(laboratory.issued),
          ...(laboratory.exhibits ?? []).map(({ number: given }) => String(given)),
        ].filter(Boolean).join(" · ")}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("What")}</th>
            <th scope="col">{t("How sure")}</th>
            <th scope="col">{t("Role")}</th>
            <th scope="col">{t("Rests on")}</th>
            <th scope="col">{t("Content")}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={String(one["line"])}>
              <td>{String(one["reported"])} <small>{one["substance"]}</small></td>
              <td data-head={t("How sure")}>{label("identification_levels", String(one["level"]))}</td>
              <td data-head={t("Role")}>{label("finding_roles", String(one["role"]))}</td>
              <td data-head={t("Rests on")}>{used(one["techniques"])}</td>
              <td data-head={t("Content")}>{contents(one["line"])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** All that there is, as it would be signed. */
export const Whole = ({ facets }: { facets: Facets }) => (
  <details>
    <summary>{t("All that it says")}</summary>
    <pre class="words" tabIndex={0}>{JSON.stringify(facets, null, 1)}</pre>
  </details>
);
