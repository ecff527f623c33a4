/** A flash report in six fields, and what became of those filed from this browser. Works without a link. */

import { useState } from "preact/hooks";
import { discard, entries, type Entry, put } from "../outbox";
import { Empty, Fault, useDoing } from "../parts";
import { type Facets, instant } from "../records";
import { country, session } from "../session";
import { codes, label, t, when } from "../words";
import { Place, type Point } from "./place";
import { type Found, Substance } from "./substance";

const UNITS = ["kg", "g", "mg", "l", "tablet", "ampoule", "capsule", "plant"];
const MODES = ["0", "1", "2", "3", "4", "5", "9"];

const now = (): string => {
  const local = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
};

export function Report() {
  const [form, setForm] = useState(0); // a new form after each report
  return (
    <main>
      <h1>{t("Report a seizure")}</h1>
      <Form key={form} onFiled={() => setForm(form + 1)} />
      <h2>{t("Filed from this browser")}</h2>
      {entries.value.length === 0 ? (
        <Empty>{t("Nothing yet. A report that is filed without a link waits here and is sent when the link returns.")}</Empty>
      ) : (
        <ul class="cards">{entries.value.map((entry) => <Filed key={entry.draft.id} entry={entry} />)}</ul>
      )}
    </main>
  );
}

function Form({ onFiled }: { onFiled: () => void }) {
  const [substance, setSubstance] = useState<{ words: string; found: Found | null }>({ words: "", found: null });
  const [point, setPoint] = useState<Point | null>(null);
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name) ?? "").trim();
    const hidden = text("concealment");
    const facets: Facets = {
      reference: `${session.value?.handle}-${text("when").replace(/\D/g, "")}-${crypto.randomUUID().slice(0, 4)}`,
      reported: instant(now()),
      "when.instant": instant(text("when")),
      "where.country": country(),
      "where.point": point ?? undefined,
      items: [
        {
          line: 1,
          ...(substance.found ? { substance: substance.found.code } : {}),
          reported: { substance: substance.words, quantity: text("quantity").replace(",", "."), unit: text("unit") },
          status: text("status"),
        },
      ],
      transport: { mode: text("mode"), ...(hidden ? { concealment: [hidden] } : {}) },
    };
    void run(async () => {
      const agency = session.value?.agency ?? "";
      await put({ id: crypto.randomUUID(), agency, kind: "seizure", handling: text("handling"), facets });
      onFiled();
    });
  };
  return (
    <form class="grid" onSubmit={submit}>
      <label>
        {t("When")}
        <input name="when" type="datetime-local" required max={now()} defaultValue={now()} />
      </label>
      <Place onPlace={setPoint} />
      <Substance onChoose={(words, found) => setSubstance({ words, found })} />
      <fieldset class="pair">
        <legend>{t("Quantity, in your own unit")}</legend>
        <input name="quantity" aria-label={t("Quantity")} inputMode="decimal" required pattern="\d+([.,]\d+)?" />
        <select name="unit" aria-label={t("Unit")}>
          {UNITS.map((unit) => <option key={unit}>{unit}</option>)}
        </select>
      </fieldset>
      <Choice name="status" title={t("How sure")} list="identification_statuses" values={["SUSP", "PRES"]} />
      <Choice name="mode" title={t("Transport")} list="transport_modes" values={MODES} />
      <Choice name="concealment" title={t("Concealment")} list="concealments" values={["", ...codes("concealments")]} />
      <Choice name="handling" title={t("Handling")} list="handling" values={["TLP:AMBER", ...codes("handling").filter((code) => code !== "TLP:AMBER")]} />
      <div class="field">
        <button class="main" disabled={busy}>
          {t("Sign and file")}
        </button>
        <Fault of={fault} />
      </div>
    </form>
  );
}

function Choice({ name, title, list, values }: { name: string; title: string; list: string; values: string[] }) {
  return (
    <label>
      {title}
      <select name={name}>
        {values.map((code) => (
          <option key={code} value={code}>
            {code ? label(list, code) : t("Not stated")}
          </option>
        ))}
      </select>
    </label>
  );
}

function Filed({ entry }: { entry: Entry }) {
  const facets = entry.draft.facets as { reference: string; items: { reported: Record<string, string> }[] };
  const first = facets.items[0]?.reported;
  const states = { waiting: t("Waits for the link"), accepted: t("Accepted"), refused: t("Refused") };
  return (
    <li class={`card ${entry.state}`}>
      <strong>{states[entry.state]}</strong> · {when(entry.at)}
      <p>
        {first?.substance} {first?.quantity} {first?.unit} · <code>{facets.reference}</code>
      </p>
      {entry.why && <p class="fault">{entry.why}</p>}
      {entry.receipt !== undefined && <Save entry={entry} />}
      {entry.state !== "waiting" && (
        <button onClick={() => void discard(entry.draft.id)}>{t("Remove from this list")}</button>
      )}
    </li>
  );
}

/** The record and its receipt as one file, which `sarhad verify` checks offline. */
function Save({ entry }: { entry: Entry }) {
  const save = () => {
    const content = JSON.stringify({ record: entry.signed, receipt: entry.receipt }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    link.download = `${entry.draft.id}.sarhad.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return <button onClick={save}>{t("Save the receipt")}</button>;
}
