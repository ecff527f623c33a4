/** One request for more of a record: who asks for what and why, to its two sides; the owner answers, the asker may withdraw. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { count } from "../inbox";
import { Fault, useAnswer } from "../parts";
import { href } from "../route";
import { country, session } from "../session";
import { Act, Step } from "../step";
import { countryName, t, when } from "../words";

interface Asked {
  id: string;
  record: string;
  owner: string;
  agency: string;
  purpose: string;
  case: string | null;
  reason: string;
  facets: string[];
  deadline: string;
  state: string;
  answer?: { facets?: string[]; until?: string; refusal?: string; text?: string | null; obligations?: string[] };
}

const REFUSALS = ["not-held", "ongoing-investigation", "legal-bar", "purpose-not-sufficient", "belongs-to-another", "other"];
const DAYS = 90;

export function Request({ id }: { id: string }) {
  const [round, setRound] = useState(0);
  const { value: asked, fault } = useAnswer(() => get<Asked>(`/v1/requests/${id}`), [id, round]);
  if (fault) return <main><Fault of={fault} /></main>;
  if (!asked) return <main><p role="status">{t("Loading …")}</p></main>;
  const waits = asked.state === "open" || asked.state === "overdue";
  const done = () => {
    setRound(round + 1);
    void count();
  };
  return (
    <main>
      <p><a href={href("inbox")}>{t("Inbox")}</a></p>
      <h1>{t("{agency} asks for more of a record", { agency: asked.agency })}</h1>
      <dl class="facts">
        <dt>{t("Record")}</dt>
        <dd><a href={href(`record/${asked.record}`)}>{countryName(asked.owner)} · <code>{asked.record.slice(0, 8)}</code></a></dd>
        <dt>{t("Asked for")}</dt>
        <dd>{asked.facets.map((one) => t(one)).join(", ")}</dd>
        <dt>{t("Purpose")}</dt>
        <dd>{[t(asked.purpose), asked.case].filter(Boolean).join(" · ")}</dd>
        <dt>{t("Why")}</dt>
        <dd class="words">{asked.reason}</dd>
        <dt>{t("State")}</dt>
        <dd>{t(asked.state)}{waits && ` · ${t("due by {day}", { day: when(asked.deadline) })}`}</dd>
        {asked.answer && <><dt>{t("Answer")}</dt><dd class="words">{answered(asked.answer)}</dd></>}
      </dl>
      {waits && asked.owner === country() && <Answer asked={asked} onDone={done} />}
      {waits && asked.agency === session.value?.agency && <Act path={`/v1/requests/${id}/withdrawal`} body={{}} title={t("Withdraw the request")} onDone={done} />}
    </main>
  );
}

function answered({ facets, until, refusal, text, obligations }: NonNullable<Asked["answer"]>): string {
  const given = facets?.map((one) => t(one)).join(", ");
  const duties = obligations?.map((one) => t(one)).join(", ");
  return [given, until && t("until {day}", { day: when(until) }), duties, refusal && t(refusal), text].filter(Boolean).join(" · ");
}

/** To give takes a policy officer; the agency that filed the record may refuse. */
function Answer({ asked, onDone }: { asked: Asked; onDone: () => void }) {
  const path = `/v1/requests/${asked.id}/answer`;
  const give = (said: FormData) => {
    const facets = said.getAll("facet").map(String);
    const part = facets.length < asked.facets.length;
    return { decision: part ? "part" : "full", ...(part ? { facets } : {}), days: Number(said.get("days")) };
  };
  return (
    <>
      <Step path={path} title={t("Give it")} body={give} onDone={onDone}>
        <fieldset>
          <legend>{t("What is given, to this agency for this purpose")}</legend>
          {asked.facets.map((facet) => (
            <label key={facet} class="check">
              <input type="checkbox" name="facet" value={facet} defaultChecked /> {t(facet)}
            </label>
          ))}
        </fieldset>
        <label>
          {t("For how many days")} <input name="days" type="number" min={1} max={366} required defaultValue={DAYS} />
        </label>
        <button class="main">{t("Sign and give")}</button>
      </Step>
      <Step path={path} title={t("Refuse it")} body={(said) => ({ decision: "refused", refusal: said.get("refusal"), text: said.get("text") })} onDone={onDone}>
        <label>
          {t("Ground")}
          <select name="refusal">{REFUSALS.map((one) => <option key={one} value={one}>{t(one)}</option>)}</select>
        </label>
        <label>
          {t("In words, for who asked")} <textarea name="text" required maxLength={1000} rows={3} />
        </label>
        <button>{t("Sign and refuse")}</button>
      </Step>
    </>
  );
}
