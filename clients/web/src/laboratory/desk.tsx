/** Four eyes: an analyst's drafts go to a reviewer as a file, the review comes back, the analyst signs and files. */

import { useEffect, useState } from "preact/hooks";
import { evidence } from "../evidence";
import { Empty, Fault, Told, useAnswer, useDoing } from "../parts";
import { session } from "../session";
import { Receipt } from "../receipt";
import { save } from "../trends/csv";
import { t, when } from "../words";
import { countersign, type Draft, draftsIn } from "./draft";
import { Drop } from "./drop";
import { discard, entries, type Entry, load, signable, takeIn } from "./kept";
import { Findings, Whole } from "./shown";
import { type Facets } from "../records";
import { judge, Said } from "./verdict";

const DRAFTS = ".json,application/json", REVIEWS = ".jws,.txt";

export function Desk() {
  useEffect(() => void load(), []);
  return (
    <>
      <p>{t("An analysis counts when two officers have signed it. The analyst saves a draft and hands it over; the reviewer opens it below, reads it and signs; the analyst takes the review in, and it is filed.")}</p>
      <Drafted />
      <Reviewing />
    </>
  );
}

function Drafted() {
  const { busy, fault, run } = useDoing();
  const [taken, setTaken] = useState<number | null>(null);
  const [pasted, setPasted] = useState("");
  const waiting = entries.value.filter((one) => one.state === "waiting" && signable(one));
  const take = (text: string) =>
    run(async () => {
      setTaken(await takeIn(text));
      setPasted("");
    });
  const hand = () => {
    const drafts = waiting.map(({ draft }) => draft);
    save("drafts.json", "application/json", JSON.stringify(drafts.length === 1 ? drafts[0] : drafts, null, 1));
  };
  return (
    <section aria-label={t("For the analyst")}>
      <h2>{t("For the analyst")}</h2>
      {entries.value.length === 0 && <Empty>{t("Nothing is drafted in this browser. Enter an analysis, or take several from a spreadsheet; they wait here for their reviewer.")}</Empty>}
      <ul class="cards">
        {entries.value.map((entry) => <Kept key={entry.draft.payload.jti + entry.draft.payload.ver} entry={entry} />)}
      </ul>
      {waiting.length > 0 && (
        <>
          <p>
            <button class="main" onClick={hand}>{t("Save {n} for the reviewer", { n: waiting.length })}</button>{" "}
            <small>{t("The file holds the analysis in full: hand it over as you would the report.")}</small>
          </p>
          <Drop title={t("The review that came back")} accept={REVIEWS} busy={busy} onFile={(file) => void file.text().then(take)} />
          <form
            class="ask"
            onSubmit={(event) => {
              event.preventDefault();
              void take(pasted);
            }}
          >
            <label>
              {t("or paste it")}
              <textarea class="code-text" rows={2} required value={pasted} onInput={(event) => setPasted(event.currentTarget.value)} />
            </label>
            <button disabled={busy}>{t("Sign and file")}</button>
          </form>
        </>
      )}
      {taken === 0 && <p class="fault" role="alert">{t("That is no review of a draft that waits here. Was the draft changed or made anew since? Save it for the reviewer again.")}</p>}
      {taken !== null && taken > 0 && <p role="status">{t("Reviews taken in: {n}.", { n: taken })}</p>}
      <Fault of={fault} />
    </section>
  );
}

function Kept({ entry }: { entry: Entry }) {
  const states = { waiting: t("Waits for its review"), accepted: t("Accepted"), refused: t("Refused") };
  const { jti, ver } = entry.draft.payload;
  return (
    <li class={`card ${entry.state}`}>
      <strong>{states[entry.state]}</strong> · {when(entry.at)} UTC · <code>{String(entry.facets["reference"])}</code>
      <Findings facets={entry.facets} />
      {entry.why && <p class="fault"><Told of={entry.why} /></p>}
      {entry.state === "waiting" && !signable(entry) && (
        <p class="fault">{t("The sign-in it was drafted in is over, and its key with it. Enter it again, to be reviewed again.")}</p>
      )}
      {entry.receipt && <Receipt name={`${jti}.${ver}`} of={() => evidence("analyses", jti, entry.signed ?? "", entry.receipt?.receipt ?? "", entry.key)} />}
      <button onClick={() => void discard(entry)}>{t("Remove from this list")}</button>
    </li>
  );
}

interface Opened {
  draft: Draft;
  facets: Facets;
}

function Reviewing() {
  const own = session.value?.records.kid ?? "";
  const [found, setFound] = useState<Opened[]>([]);
  const [reviews, setReviews] = useState("");
  const { busy, fault, run } = useDoing();
  const open = (file: File) =>
    run(async () => {
      setReviews("");
      const read = await file.text().then(draftsIn).catch(() => null);
      if (!read) throw new Error(t("That file is no draft of an analysis, or was changed on its way. Ask the analyst to save it again."));
      setFound(read);
    });
  const mine = found.filter(({ draft }) => draft.laboratory["reviewer"] === own);
  const sign = () =>
    run(async () => {
      const current = session.value;
      if (current) setReviews((await Promise.all(mine.map(({ draft }) => countersign(current.records, draft)))).join("\n"));
    });
  return (
    <section aria-label={t("For the reviewer")}>
      <h2>{t("For the reviewer")}</h2>
      <p class="code">
        {t("Your key for this sign-in, to be named by the analyst:")} <output>{own.slice(0, 8)}</output>
      </p>
      <Drop title={t("Open the analyst's draft")} accept={DRAFTS} busy={busy} onFile={(file) => void open(file)} />
      <Fault of={fault} />
      {found.length > mine.length && <p class="fault" role="alert">{t("{n} of them name another reviewer's key than yours. Ask the analyst to choose the key that stands above.", { n: found.length - mine.length })}</p>}
      {mine.map(({ draft, facets }) => <Read key={draft.payload.jti} facets={facets} handling={draft.payload.handling} />)}
      {mine.length > 0 && !reviews && <button class="main" disabled={busy} onClick={() => void sign()}>{t("I have read it: countersign")}</button>}
      {reviews && (
        <div class="field">
          <label>
            {t("Your review, for the analyst")}
            <textarea class="code-text" readOnly rows={3} value={reviews} />
          </label>
          <button onClick={() => save("review.jws", "text/plain", reviews)}>{t("Save the review")}</button>
        </div>
      )}
    </section>
  );
}

/** The draft, and what the service says of it to the reviewer too. */
function Read({ facets, handling }: { facets: Facets; handling: string }) {
  const { value, fault } = useAnswer(() => judge([facets]), [facets]);
  return (
    <article class="card waiting">
      <strong>{String(facets["reference"])}</strong> · {handling}
      <Findings facets={facets} />
      <Whole facets={facets} />
      <Said verdict={value?.[0] ?? null} fault={fault} />
    </article>
  );
}
