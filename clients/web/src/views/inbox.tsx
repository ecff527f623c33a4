/** The inbox: what one's reports led to, and what others ask; each opens what it is about, or is taken note of. */

import { address, type Inbox as Found, type Notice, open, takeNote } from "../inbox";
import { called, useNames } from "../names";
import { Paged, usePages } from "../pages";
import { Fault, useDoing } from "../parts";
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
  const pages = usePages<Found>(path);
  const { busy, fault, run } = useDoing();
  if (pages.first) open.value = pages.first.open;
  useNames("substance", pages.items.map(({ facts }) => text(facts["substance"])));
  const note = (id: string) =>
    run(async () => {
      await takeNote(id);
      pages.again();
    });
  return (
    <>
      <Fault of={fault} />
      <Paged of={pages} empty={t("Nothing here. When a laboratory's result, an alert, a link or a question concerns a report of your agency, you read it here.")}>
        <ul class="cards">
          {pages.items.map((notice) => (
            <li key={notice.id} class={`card ${notice.acknowledged_at ? "" : "waiting"}`}>
              <Said notice={notice} />
              {!notice.acknowledged_at && <button disabled={busy} onClick={() => void note(notice.id)}>{t("Taken note of")}</button>}
            </li>
          ))}
        </ul>
      </Paged>
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
