/** What rules have found in the eyes of one's agency, for a person to judge: raised to an alert, or dismissed. */

import { useState } from "preact/hooks";
import { call, get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { href } from "../route";
import { session } from "../session";
import { t, when } from "../words";
import { type Candidate, card, type Page } from "./shapes";

export function Candidates({ onRaised }: { onRaised: () => void }) {
  const [round, setRound] = useState(0);
  const path = "/v1/alerts/candidates?state=candidate&limit=50";
  const { value, fault } = useAnswer(() => get<Page<Candidate>>(path), [round, purpose.value]);
  const done = () => {
    setRound(round + 1);
    onRaised();
  };
  const items = value?.items ?? [];
  useNames("substance", items.map(({ substance }) => substance));
  return (
    <section aria-label={t("To be judged")}>
      <h2>{t("To be judged")}</h2>
      <Fault of={fault} />
      {value && items.length === 0 && <Empty>{t("Nothing waits. Rules look at what is shared with your agency, once an order stands for this purpose.")}</Empty>}
      <ul class="cards">
        {items.map((candidate) => <Judge key={candidate.id} candidate={candidate} onDone={done} />)}
      </ul>
      <Watching />
    </section>
  );
}

function Judge({ candidate, onDone }: { candidate: Candidate; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const about = candidate.substance ? called("substance", candidate.substance) : "";
  const say = (decision: "raise" | "dismiss", words: object) =>
    run(async () => {
      await call("POST", `/v1/alerts/candidates/${candidate.id}/review`, { body: { decision, ...words }, purposeful: true });
      onDone();
    });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void say("raise", Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)));
  };
  return (
    <li class={card(candidate.state)}>
      <strong>{[t(candidate.rule), about].filter(Boolean).join(" · ")}</strong>
      <p>
        {when(candidate.at)} UTC {candidate.record && <a href={href(`record/${candidate.record}`)}>{t("The record")}</a>}
      </p>
      {Object.entries(candidate.facts).map(([name, value]) => (
        <div key={name}>
          <small>{t(`fact.${name}`)}</small> {String(value)}
        </div>
      ))}
      <details>
        <summary>{t("Judge")}</summary>
        <form class="ask" onSubmit={submit}>
          <label>
            {t("Title")} <input name="title" required maxLength={200} defaultValue={[t(candidate.rule), about].filter(Boolean).join(": ")} />
          </label>
          <label>
            {t("What others should know and do")} <textarea name="text" required maxLength={4000} rows={3} />
          </label>
          <div>
            <button class="main" disabled={busy}>{t("Raise to an alert")}</button>{" "}
            <button type="button" disabled={busy} onClick={() => void say("dismiss", {})}>{t("Dismiss")}</button>
          </div>
        </form>
      </details>
      <Fault of={fault} />
    </li>
  );
}

/** An order looks through the eyes of the key that signs it: here, of this sign-in, and no longer. */
function Watching() {
  const current = session.value;
  const [round, setRound] = useState(0);
  const { value } = useAnswer(() => get<{ items: { name: string }[] }>("/v1/subscriptions"), [round, purpose.value]);
  const { busy, fault, run } = useDoing();
  if (!current || !value) return null;
  const name = `console ${current.handle} ${purpose.value} ${current.until.slice(0, 16)}`;
  if (value.items.some((order) => order.name === name)) return <p role="status">{t("Rules look for you until {time} UTC.", { time: when(current.until) })}</p>;
  const order = () =>
    run(async () => {
      await call("POST", "/v1/subscriptions", { body: { name, delivery: "digest" }, purposeful: true });
      setRound(round + 1);
    });
  return (
    <p>
      <button disabled={busy} onClick={() => void order()}>{t("Let rules look for me while I am signed in")}</button>
      <Fault of={fault} />
    </p>
  );
}
