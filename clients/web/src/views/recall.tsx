/** A recall: its owner has taken records back; whoever has read them says what became of the copies. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { count } from "../inbox";
import { Fault, useAnswer } from "../parts";
import { href } from "../route";
import { country } from "../session";
import { Step } from "../step";
import { countryName, t, when } from "../words";

interface Outcome {
  state: string;
  done?: string;
  legal_reference?: string;
}

interface Recalled extends Outcome {
  id: string;
  owner: string;
  records: string[];
  reason: string;
  at: string;
  deadline: string;
  recipients?: (Outcome & { agency: string })[];
}

export function Recall({ id }: { id: string }) {
  const [round, setRound] = useState(0);
  const { value: recall, fault } = useAnswer(() => get<Recalled>(`/v1/recalls/${id}`), [id, round]);
  if (fault) return <main><Fault of={fault} /></main>;
  if (!recall) return <main><p role="status">{t("Loading …")}</p></main>;
  const done = () => {
    setRound(round + 1);
    void count();
  };
  return (
    <main>
      <p><a href={href("inbox")}>{t("Inbox")}</a></p>
      <h1>{t("{country} takes records back", { country: countryName(recall.owner) })}</h1>
      <dl class="facts">
        <dt>{t("Why")}</dt>
        <dd><q class="words" dir="auto">{recall.reason}</q></dd>
        <dt>{t("Records")}</dt>
        <dd>{recall.records.map((record) => <a key={record} href={href(`record/${record}`)}><code>{record.slice(0, 8)}</code> </a>)}</dd>
        <dt>{t("When")}</dt>
        <dd>{when(recall.at)} UTC · {t("due by {day}", { day: when(recall.deadline) })}</dd>
        {(recall.recipients ?? [recall]).map((one) => (
          <Said key={"agency" in one ? String(one.agency) : ""} of={one} agency={"agency" in one ? String(one.agency) : t("We")} />
        ))}
      </dl>
      {recall.owner !== country() && recall.state !== "acknowledged" && (
        <Step
          path={`/v1/recalls/${id}/acknowledgement`}
          title={t("What became of our copies")}
          body={(said) => (said.get("legal") ? { done: "kept", legal_reference: said.get("legal") } : { done: "deleted" })}
          onDone={done}
        >
          <label>
            {t("Only if they must be kept: by which law")} <input name="legal" maxLength={500} />
          </label>
          <button class="main">{t("Sign and answer")}</button>
        </Step>
      )}
    </main>
  );
}

const Said = ({ of, agency }: { of: Outcome; agency: string }) => (
  <>
    <dt>{agency}</dt>
    <dd>{[t(of.state), of.done && t(of.done), of.legal_reference].filter(Boolean).join(" · ")}</dd>
  </>
);
