/** A flash report in six fields, or the correction of one, and what became of those filed from this browser. */

import { useState } from "preact/hooks";
import { get, purpose } from "../api";
import { evidence } from "../evidence";
import { discard, entries, type Entry, nameOf, others } from "../outbox";
import { Empty, Fault, Told, useAnswer } from "../parts";
import { Receipt } from "../receipt";
import { first } from "../report/facets";
import { type Corrected, Form } from "../report/form";
import { go, route } from "../route";
import { t, when } from "../words";

export function Report() {
  const [form, setForm] = useState(0); // a new form after each report
  const corrected = route.value.query.get("correct");
  return (
    <main>
      <h1>{t("Report a seizure")}</h1>
      {corrected ? <Correction key={corrected} id={corrected} /> : <Form key={form} onFiled={() => setForm(form + 1)} />}
      <h2>{t("Filed from this browser")}</h2>
      {others.value > 0 && <p role="status">{t("Reports of other officers that wait here until they sign in again: {n}.", { n: others.value })}</p>}
      {entries.value.length === 0 ? (
        <Empty>{t("Nothing yet. A report that is filed without a link waits here and is sent when the link returns.")}</Empty>
      ) : (
        <>
          {entries.value.some(({ state }) => state === "accepted") && <p>{t("What was accepted stays here for seven days. Save the receipt before then.")}</p>}
          <ul class="cards">{entries.value.map((entry) => <Filed key={nameOf(entry.draft)} entry={entry} />)}</ul>
        </>
      )}
    </main>
  );
}

function Correction({ id }: { id: string }) {
  const { value, fault } = useAnswer(
    async () => (await get<{ items: (Corrected & { latest: boolean })[] }>(`/v1/seizures/${id}/versions`)).items.find(({ latest }) => latest),
    [id, purpose.value],
  );
  if (fault) return <Fault of={fault} />;
  return value ? <Form corrects={value} onFiled={() => go("report")} /> : <p role="status">{t("Loading …")}</p>;
}

function Filed({ entry }: { entry: Entry }) {
  const { draft, receipt } = entry;
  const reported = first(draft.facets)?.reported;
  const states = { waiting: entry.why ? t("Waits, and is tried again") : t("Waits for the link"), accepted: t("Accepted"), refused: t("Refused") };
  return (
    <li class={`card ${entry.state}`}>
      <strong>{states[entry.state]}</strong> · {when(entry.at)} UTC
      <p>
        {reported ? `${reported.substance} ${reported.quantity} ${reported.unit}` : t("withdrawn")} · <code>{String(draft.facets["reference"] ?? draft.id.slice(0, 8))}</code>
        {draft.version && ` · ${t("version {n}", { n: draft.version })}`}
      </p>
      {entry.why && <p class="fault"><Told of={entry.why} /></p>}
      {receipt && <Receipt name={`${draft.id}.${draft.version ?? 1}`} of={() => evidence("seizures", draft.id, entry.signed, receipt.receipt, entry.key)} />}
      {entry.state !== "waiting" && <button onClick={() => void discard(entry)}>{t("Remove from this list")}</button>}
    </li>
  );
}
