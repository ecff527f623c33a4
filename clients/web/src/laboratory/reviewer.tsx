/** Whose key is to review: one of the laboratory's that signs records, and not the analyst's own. */

import { get } from "../api";
import { Empty, Fault, useAnswer } from "../parts";
import { session } from "../session";
import { t, when } from "../words";

interface KeyView {
  kid: string;
  not_before: string;
  not_after: string | null;
  revoked_at: string | null;
}

interface Page {
  items: KeyView[];
  next: string | null;
}

async function keys(agency: string): Promise<KeyView[]> {
  const found: KeyView[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Page = await get<Page>(`/v1/keys?agency=${agency}&use=record-signing&limit=200${cursor && `&cursor=${cursor}`}`);
    found.push(...page.items);
    cursor = page.next;
  }
  const now = new Date();
  return found.filter((key) => !key.revoked_at && new Date(key.not_before) <= now && (!key.not_after || new Date(key.not_after) > now));
}

export function Reviewer({ chosen, onChoose }: { chosen: string; onChoose: (kid: string) => void }) {
  const current = session.value;
  const { value, fault } = useAnswer(async () => keys(current?.agency ?? ""), [current?.agency]);
  const others = (value ?? []).filter(({ kid }) => kid !== current?.records.kid).reverse();
  return (
    <div class="field">
      <label>
        {t("Reviewer's key")}
        <select required value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
          <option value="">{t("Choose")}</option>
          {others.map(({ kid, not_after }) => (
            <option key={kid} value={kid}>
              {not_after ? t("{key}, until {time} UTC", { key: kid.slice(0, 8), time: when(not_after) }) : kid.slice(0, 8)}
            </option>
          ))}
        </select>
      </label>
      <small>{t("The reviewer signs in at a browser of their own, opens Four eyes, and tells you the first letters of the key that stands there.")}</small>
      {value && others.length === 0 && <Empty>{t("Nobody else of your laboratory is signed in. Ask a colleague to sign in, and open this page again.")}</Empty>}
      <Fault of={fault} />
    </div>
  );
}
