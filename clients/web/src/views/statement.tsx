/** Who read which of one's country's records, when, and for which purpose. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
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

interface Page {
  items: Entry[];
  next: string | null;
}

export function Statement() {
  const path = `/v1/statements/${country()}?limit=100`;
  const first = useAnswer(() => get<Page>(path), [path]);
  const [more, setMore] = useState<Page[]>([]);
  const { busy, fault, run } = useDoing();
  const pages = first.value ? [first.value, ...more] : [];
  const entries = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  return (
    <main>
      <h1>{t("Who read our records")}</h1>
      <Fault of={first.fault ?? fault} />
      {first.value && entries.length === 0 && <Empty>{t("Nobody has read a record of your country yet.")}</Empty>}
      {entries.length > 0 && (
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
            {entries.map((entry) => (
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
      )}
      {next && (
        <button disabled={busy} onClick={() => run(async () => setMore([...more, await get<Page>(`${path}&cursor=${encodeURIComponent(next)}`)]))}>
          {t("Show more")}
        </button>
      )}
    </main>
  );
}
