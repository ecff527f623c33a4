/** Early warning: what waits for a judgement, and the alerts that reach this reader. */

import { useState } from "preact/hooks";
import { Candidates } from "../alerts/candidates";
import { type Alert, card } from "../alerts/shapes";
import { called, useNames } from "../names";
import { type Page, Paged, usePages } from "../pages";
import { Purpose } from "../purpose";
import { go, href, route } from "../route";
import { countryName, t, when } from "../words";

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
      <List key={round} path={`/v1/alerts?limit=50${state && `&state=${state}`}`} />
      <Candidates onRaised={() => setRound(round + 1)} />
    </main>
  );
}

function List({ path }: { path: string }) {
  const pages = usePages<Page<Alert>>(path);
  useNames("substance", pages.items.map(({ substance }) => substance));
  return (
    <section aria-label={t("Issued and to be issued")}>
      <Paged of={pages} empty={t("No alert reaches you. An alert reaches only who may see all that it rests on.")}>
        <ul class="cards">
          {pages.items.map((alert) => (
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
      </Paged>
    </section>
  );
}
