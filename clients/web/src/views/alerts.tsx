/** Early warning: what waits for a judgement, and the alerts that reach this reader. */

import { useState } from "preact/hooks";
import { Candidates } from "../alerts/candidates";
import { type Alert, card, type Page } from "../alerts/shapes";
import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { go, href, route } from "../route";
import { countryName, t, when } from "../words";
import { Purpose } from "../purpose";

const STATES = ["reviewed", "issued", "closed", "retracted"];

export function Alerts() {
  const [round, setRound] = useState(0);
  const state = route.value.query.get("state") ?? "";
  return (
    <main>
      <h1>{t("Alerts")}</h1>
      <div class="filters">
        <Purpose />
        <label>
          {t("State")}
          <select value={state} onChange={(event) => go("alerts", { state: event.currentTarget.value })}>
            <option value="">{t("all")}</option>
            {STATES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
          </select>
        </label>
      </div>
      <List key={`${state}${purpose.value}${round}`} path={`/v1/alerts?limit=50${state && `&state=${state}`}`} />
      <Candidates onRaised={() => setRound(round + 1)} />
    </main>
  );
}

function List({ path }: { path: string }) {
  const first = useAnswer(() => get<Page<Alert>>(path), [path]);
  const [more, setMore] = useState<Page<Alert>[]>([]);
  const { busy, fault, run } = useDoing();
  const pages = first.value ? [first.value, ...more] : [];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  useNames("substance", items.map(({ substance }) => substance));
  return (
    <section aria-label={t("Issued and to be issued")}>
      <Fault of={first.fault ?? fault} />
      {!first.value && !first.fault && <p role="status">{t("Loading …")}</p>}
      {first.value && items.length === 0 && <Empty>{t("No alert reaches you. An alert reaches only who may see all that it rests on.")}</Empty>}
      <ul class="cards">
        {items.map((alert) => (
          <li key={alert.id} class={card(alert.state)}>
            <a href={href(`alert/${alert.id}`)}>
              <strong>{alert.title}</strong>
            </a>
            <p>
              {[alert.level && t(alert.level), t(alert.state), countryName(alert.issuer), alert.substance && called("substance", alert.substance), alert.issued && `${when(alert.issued)} UTC`].filter(Boolean).join(" · ")}
            </p>
          </li>
        ))}
      </ul>
      {next && (
        <button disabled={busy} onClick={() => run(async () => setMore([...more, await get<Page<Alert>>(`${path}&cursor=${encodeURIComponent(next)}`)]))}>
          {t("Show more")}
        </button>
      )}
    </section>
  );
}
