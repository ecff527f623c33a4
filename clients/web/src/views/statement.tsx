/** Who read which of one's country's records, when, and for which purpose. */

import { type Page, Paged, usePages } from "../pages";
import { href } from "../route";
import { country } from "../session";
import { countryName, t, when } from "../words";

interface Entry {
  id: string;
  at: string;
  country: string;
  agency: string;
  purpose: string | null;
  case: string | null;
  records: number;
  record_ids: string[];
}

export function Statement() {
  const pages = usePages<Page<Entry>>(`/v1/statements/${country()}?limit=100`);
  return (
    <main>
      <h1>{t("Who read our records")}</h1>
      <Paged of={pages} empty={t("Nobody has read a record of your country yet.")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("When")}</th>
              <th scope="col">{t("Who")}</th>
              <th scope="col">{t("Purpose")}</th>
              <th scope="col">{t("Case")}</th>
              <th scope="col">{t("Records")}</th>
            </tr>
          </thead>
          <tbody>
            {pages.items.map((entry) => (
              <tr key={entry.id}>
                <td>{when(entry.at)} UTC</td>
                <td>{countryName(entry.country)} · {entry.agency}</td>
                <td>{entry.purpose ? t(entry.purpose) : ""}</td>
                <td>{entry.case}</td>
                <td>
                  {entry.record_ids.slice(0, 3).map((id) => (
                    <a key={id} href={href(`record/${id}`)}>
                      <code>{id.slice(0, 8)}</code>{" "}
                    </a>
                  ))}
                  {entry.records > 3 && t("and {n} more", { n: entry.records - 3 })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Paged>
    </main>
  );
}
