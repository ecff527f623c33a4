/** Records that may belong together: a link holds when two persons have said so, one for each party. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Because } from "../because";
import { type Page, Paged, usePages } from "../pages";
import { Fault, useAnswer, useDoing } from "../parts";
import { Purpose } from "../purpose";
import { go, href, route } from "../route";
import { session } from "../session";
import { t, when } from "../words";

interface Link {
  id: string;
  relation: string;
  meaning: string;
  state: string;
  records: { id: string; agency: string }[];
  reasons: { level: string; words: string; weight: string }[];
  weight?: string;
  r?: string;
  likelihood_ratio?: { ratio?: string } | null;
}

interface Act {
  act: string;
  agency: string;
  reason: string | null;
  at: string;
  counts: boolean;
}

const RELATIONS = ["event", "chemical", "physical"];
const STATES = ["proposed", "confirmed", "rejected", "undone"];

export function Links() {
  const { query } = route.value;
  const [relation, state] = [query.get("relation") ?? "", query.get("state") ?? "proposed"];
  const choose = (changed: Record<string, string>) => go("laboratory/links", { relation, state, ...changed });
  return (
    <>
      <div class="filters">
        <Purpose />
        <label>
          {t("Relation")}
          <select value={relation} onChange={(event) => choose({ relation: event.currentTarget.value })}>
            <option value="">{t("all")}</option>
            {RELATIONS.map((one) => <option key={one} value={one}>{t(one)}</option>)}
          </select>
        </label>
        <label>
          {t("State")}
          <select value={state} onChange={(event) => choose({ state: event.currentTarget.value })}>
            {STATES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
          </select>
        </label>
      </div>
      <List path={`/v1/links?limit=25&state=${state}${relation && `&relation=${relation}`}`} />
    </>
  );
}

function List({ path }: { path: string }) {
  const pages = usePages<Page<Link>>(path);
  return (
    <Paged of={pages} empty={t("No link like that between records that you are given for this purpose. The service proposes links by itself, as records come.")}>
      <ul class="cards">{pages.items.map((link) => <One key={link.id} link={link} onDone={pages.again} />)}</ul>
    </Paged>
  );
}

function One({ link, onDone }: { link: Link; onDone: () => void }) {
  const [round, setRound] = useState(0);
  const { value } = useAnswer(() => get<{ acts: Act[] }>(`/v1/links/${link.id}`), [link.id, round]);
  const { busy, fault, run } = useDoing();
  const party = link.records.some(({ agency }) => agency === session.value?.agency);
  const say = async (what: string, body: object) => {
    const { state } = await call<{ state: string }>("POST", `/v1/links/${link.id}/${what}`, { body, purposeful: true });
    if (state === link.state) setRound(round + 1);
    else onDone();
  };
  const acts = value?.acts ?? [];
  return (
    <li class={`card ${link.state === "confirmed" ? "accepted" : link.state === "proposed" ? "waiting" : ""}`}>
      <strong>{t(link.relation)}</strong> · {t(link.state)}
      {link.weight && ` · ${t("evidence {n}", { n: link.weight })}`}
      {link.r && ` · r = ${link.r}`}
      <p>
        {link.records.map(({ id, agency }) => (
          <span key={id}><a href={link.relation === "event" ? href(`record/${id}`) : href("laboratory/analysis", { id })}>{agency} <code>{id.slice(0, 8)}</code></a> </span>
        ))}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Reason")}</th>
            <th scope="col">{t("Weight")}</th>
          </tr>
        </thead>
        <tbody>
          {link.reasons.map((one) => (
            <tr key={one.level}>
              <td>{t(one.words)}</td>
              <td data-head={t("Weight")}>{one.weight}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {acts.map((one) => (
        <p key={one.at + one.agency}>
          {one.agency}: {t(one.act)} · {when(one.at)} UTC{one.reason && ` · ${one.reason}`}
        </p>
      ))}
      {link.state === "proposed" && acts.some(({ counts }) => counts) && <p role="status">{t("One has confirmed it; a second person is needed.")}</p>}
      {!party && <p><small>{t("Only the agencies of the two records speak on it.")}</small></p>}
      {party && link.state !== "confirmed" && (
        <button class="main" disabled={busy} onClick={() => void run(() => say("confirmation", {}))}>{t("They belong together")}</button>
      )}
      {party && (link.state === "proposed" || link.state === "confirmed") && (
        <Because
          title={link.state === "confirmed" ? t("Take it apart again") : t("They do not")}
          question={t("Why, for the other party")}
          button={t("Sign and send")}
          act={(reason) => say(link.state === "confirmed" ? "undoing" : "rejection", { reason })}
        />
      )}
      <Fault of={fault} />
    </li>
  );
}
