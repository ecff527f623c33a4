/** The inbox: what one's reports led to, and what others ask; each opens what it is about, or is taken note of. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { address, type Inbox as Found, type Notice, open, takeNote } from "../inbox";
import { called, useNames } from "../names";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { go, route } from "../route";
import { countryName, label, t, when } from "../words";

export function Inbox() {
  const state = route.value.query.get("state") ?? "open";
  return (
    <main>
      <h1>{t("Inbox")}</h1>
      <div class="filters">
        <label>
          {t("State")}
          <select value={state} onChange={(event) => go("inbox", { state: event.currentTarget.value })}>
            <option value="open">{t("not yet taken note of")}</option>
            <option value="acknowledged">{t("taken note of")}</option>
          </select>
        </label>
      </div>
      <List key={state} path={`/v1/inbox?limit=50&state=${state}`} />
    </main>
  );
}

function List({ path }: { path: string }) {
  const [round, setRound] = useState(0);
  const first = useAnswer(() => get<Found>(path), [path, round]);
  const [more, setMore] = useState<Found[]>([]);
  const { busy, fault, run } = useDoing();
  const pages = first.value ? [first.value, ...more] : [];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  if (first.value) open.value = first.value.open;
  useNames("substance", items.map(({ facts }) => text(facts["substance"])));
  const note = (id: string) =>
    run(async () => {
      await takeNote(id);
      setMore([]);
      setRound(round + 1);
    });
  return (
    <>
      <Fault of={first.fault ?? fault} />
      {!first.value && !first.fault && <p role="status">{t("Loading …")}</p>}
      {first.value && items.length === 0 && (
        <Empty>{t("Nothing here. When a laboratory's result, an alert, a link or a question concerns a report of your agency, you read it here.")}</Empty>
      )}
      <ul class="cards">
        {items.map((notice) => (
          <li key={notice.id} class={`card ${notice.acknowledged_at ? "" : "waiting"}`}>
            <Said notice={notice} />
            {!notice.acknowledged_at && <button disabled={busy} onClick={() => void note(notice.id)}>{t("Taken note of")}</button>}
          </li>
        ))}
      </ul>
      {next && (
        <button disabled={busy} onClick={() => run(async () => setMore([...more, await get<Found>(`${path}&cursor=${encodeURIComponent(next)}`)]))}>
          {t("Show more")}
        </button>
      )}
    </>
  );
}

function Said({ notice }: { notice: Notice }) {
  const where = address(notice);
  return (
    <>
      {where ? <a href={where}><strong>{t(notice.kind)}</strong></a> : <strong>{t(notice.kind)}</strong>}
      <p>{[`${when(notice.at)} UTC`, notice.from && countryName(notice.from), ...told(notice.facts)].filter(Boolean).join(" · ")}</p>
    </>
  );
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** What a notice says of its subject, as far as a person can use it. */
function told(facts: Record<string, unknown>): string[] {
  const said = (name: string) => text(facts[name]);
  const [substance, status, level, deadline] = ["substance", "status", "level", "deadline"].map(said);
  const facets = Array.isArray(facts["facets"]) ? facts["facets"].map((one) => t(String(one))).join(", ") : "";
  return [
    said("agency") ?? "",
    said("purpose") ? t(said("purpose") ?? "") : "",
    facets,
    substance ? called("substance", substance) : "",
    status ? label("identification_statuses", status) : "",
    level ? t(level) : "",
    said("relation") ? t(said("relation") ?? "") : "",
    said("refusal") ? t(said("refusal") ?? "") : "",
    said("record") ? t("record {id}", { id: (said("record") ?? "").slice(0, 8) }) : "",
    deadline ? t("due by {day}", { day: when(deadline) }) : "",
  ].filter(Boolean);
}
