/** Which member controls a substance, by which entry of its list; a gap where others do. */

import { countryName, t } from "../words";

export interface Cell {
  status: string;
  entries: { entry: string; schedule?: string; by: string }[];
}

/** One member's word on one substance. */
export const Word = ({ cell, gap }: { cell: Cell | undefined; gap: boolean }) => (
  <>
    {gap && <strong class="gap">{t("gap")}: </strong>}
    {t(cell?.status ?? "no-data")}
    {(cell?.entries ?? []).map((one) => (
      <div key={one.entry}><small>{[one.schedule, one.entry].filter(Boolean).join(" · ")}</small></div>
    ))}
  </>
);

export const Controlled = ({ cells, gaps }: { cells: Record<string, Cell>; gaps: string[] }) => (
  <table>
    <thead>
      <tr>
        <th scope="col">{t("Country")}</th>
        <th scope="col">{t("Control")}</th>
      </tr>
    </thead>
    <tbody>
      {Object.entries(cells).map(([country, cell]) => (
        <tr key={country}>
          <td>{countryName(country)}</td>
          <td><Word cell={cell} gap={gaps.includes(country)} /></td>
        </tr>
      ))}
    </tbody>
  </table>
);
