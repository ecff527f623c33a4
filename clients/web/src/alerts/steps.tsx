/** The steps of an alert's life that a person takes: issue it, acknowledge it, say what was done, end it. */

import { Step } from "../step";
import { codes, label, t } from "../words";
import { type Answered } from "./shapes";

const LEVELS = ["INFO", "ADVISORY", "URGENT"];

export const Feedback = ({ id, given, onDone }: { id: string; given: Answered; onDone: () => void }) => (
  <Step
    path={`/v1/alerts/${id}/feedback`}
    title={t("What came of it")}
    body={(said) => ({ action: said.get("action"), useful: said.get("useful") === "yes" })}
    onDone={onDone}
  >
    <label>
      {t("What was done")} <textarea name="action" required maxLength={4000} rows={3} defaultValue={given.action ?? ""} />
    </label>
    <label>
      {t("Was it of use?")}
      <select name="useful">
        <option value="yes">{t("yes")}</option>
        <option value="no" selected={given.useful === false}>{t("no")}</option>
      </select>
    </label>
    <button>{t("Sign and send")}</button>
  </Step>
);

/** Codes of countries in Latin letters and nothing else: what cannot be read never becomes "every member". */
const CODES = "[A-Za-z]{2}([ ,;]+[A-Za-z]{2})*";

function addressed(said: string): { countries?: string[] } {
  const codes = said.toUpperCase().split(/[ ,;]+/);
  return said === "" ? {} : { countries: codes };
}

export const Issue = ({ id, onDone }: { id: string; onDone: () => void }) => (
  <Step
    path={`/v1/alerts/${id}/issue`}
    title={t("Issue it")}
    body={(said) => ({
      level: said.get("level"),
      handling: said.get("handling"),
      ...addressed(String(said.get("countries"))),
    })}
    onDone={onDone}
  >
    <label>
      {t("Level")}
      <select name="level">{LEVELS.map((one) => <option key={one} value={one}>{t(one)}</option>)}</select>
    </label>
    <label>
      {t("Handling")}
      <select name="handling">
        {codes("handling").map((one) => <option key={one} value={one} selected={one === "TLP:AMBER"}>{`${one} · ${label("handling", one)}`}</option>)}
      </select>
    </label>
    <label>
      {t("Addressed to; empty: to every member")} <input name="countries" placeholder="KZ TJ" pattern={CODES} />
    </label>
    <button class="main">{t("Sign and issue")}</button>
  </Step>
);

export const Close = ({ id, onDone }: { id: string; onDone: () => void }) => (
  <Step path={`/v1/alerts/${id}/ending/`} title={t("End it")} body={(said) => ({ reason: said.get("reason") })} onDone={onDone}>
    <label>
      {t("Why it is over, or was wrong")} <input name="reason" required maxLength={1000} />
    </label>
    <button name="ending" value="closed">{t("Close")}</button>
    <button name="ending" value="retracted">{t("Take back")}</button>
  </Step>
);
