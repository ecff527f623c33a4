/** The form of a report: six fields to a flash report, the rest when there is time, or in a correction. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { put } from "../outbox";
import { Fault, useDoing } from "../parts";
import { type Draft, type Facets, now } from "../records";
import { country, session } from "../session";
import { type Found } from "../substances";
import { Place, type Point } from "./place";
import { Substance } from "./substance";
import { codes, label, language, t } from "../words";
import { Check, useCheck } from "./check";
import { type Carried, facetsOf, finest, first, type Line } from "./facets";

const UNITS = ["kg", "g", "mg", "l", "tablet", "ampoule", "capsule", "plant"];
const MODES = ["0", "1", "2", "3", "4", "5", "9"];
const PHOTOGRAPHS = "image/jpeg,image/png";

/** The version that a correction follows. */
export interface Corrected {
  id: string;
  version: number;
  digest: string;
  handling: string;
  facets: Facets;
}

const begun = () => ({
  id: crypto.randomUUID(),
  reference: `${session.value?.handle}-${now().replace(/\D/g, "")}-${crypto.randomUUID().slice(0, 4)}`,
});

/** What stands in the form as a draft; none while something is missing or malformed. */
function useDraft(corrects: Corrected | undefined) {
  const before = corrects?.facets ?? {};
  const line = first(before);
  const form = useRef<HTMLFormElement>(null);
  const own = useMemo(begun, []);
  const [substance, setSubstance] = useState<{ words: string; found: Found | null }>({
    words: line?.reported.substance ?? "",
    found: line?.substance ? { code: line.substance, name: line.substance } : null,
  });
  const [point, setPoint] = useState<Point | null>((before["where.point"] as Point | undefined) ?? null);
  const [changes, setChanges] = useState(0); // how often anything was written
  const [draft, setDraft] = useState<Draft | null>(null);
  const write = (): Draft => {
    const given = new FormData(form.current ?? undefined);
    const reference = String(before["reference"] ?? own.reference);
    return {
      id: corrects?.id ?? own.id,
      agency: session.value?.agency ?? "",
      kind: "seizure",
      ...(corrects ? { version: corrects.version + 1, previous: corrects.digest } : {}),
      handling: String(given.get("handling")),
      facets: facetsOf({ given, substance, point }, reference, country(), language.value, before),
    };
  };
  useEffect(() => setDraft(form.current?.checkValidity() ? write() : null), [changes, substance, point]);
  return { form, before, substance, setSubstance, point, setPoint, draft, write, changed: () => setChanges(changes + 1) };
}

export function Form({ corrects, onFiled }: { corrects?: Corrected; onFiled: () => void }) {
  const { form, before, substance, setSubstance, point, setPoint, draft, write, changed } = useDraft(corrects);
  const [photos, setPhotos] = useState<Blob[]>([]);
  const told = useCheck(draft);
  const { busy, fault, run } = useDoing();
  const line = first(before);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void run(async () => {
      await put(write(), photos);
      onFiled();
    });
  };
  return (
    <form ref={form} class="grid" onSubmit={submit} onInput={changed} onChange={changed}>
      {corrects && <p class="field">{t("A correction: version {n}. The version before stays, and is shown to your country alone.", { n: corrects.version + 1 })}</p>}
      <When before={before} />
      <Place begun={point} onPlace={setPoint} />
      <Substance begun={substance} onChoose={(words, found) => setSubstance({ words, found })} />
      <Quantity line={line} />
      <Choice name="status" title={t("How sure")} list="identification_statuses" values={["SUSP", "PRES"]} chosen={line?.status} />
      <Carriage before={before} corrects={corrects !== undefined} />
      <Choice name="handling" title={t("Handling")} list="handling" values={["TLP:AMBER", ...codes("handling").filter((code) => code !== "TLP:AMBER")]} chosen={corrects?.handling} />
      <More before={before} onPhotos={setPhotos} />
      <Check told={told} />
      <div class="field">
        <button class="main" disabled={busy}>
          {t("Sign and file")}
        </button>
        <Fault of={fault} />
      </div>
    </form>
  );
}

const FIELDS = { "when.instant": ["datetime-local", 16], "when.day": ["date", 10], "when.month": ["month", 7] } as const;

function When({ before }: { before: Facets }) {
  const time = finest(before);
  const [type, length] = FIELDS[time];
  return (
    <label>
      {t("When")}
      <input name="when" type={type} required max={now().slice(0, length)} defaultValue={String(before[time] ?? now()).slice(0, length)} />
    </label>
  );
}

const Quantity = ({ line }: { line: Line | undefined }) => (
  <fieldset class="pair">
    <legend>{t("Quantity, in your own unit")}</legend>
    <input name="quantity" aria-label={t("Quantity")} inputMode="decimal" required pattern="\d+([.,]\d+)?" defaultValue={line?.reported.quantity ?? ""} />
    <select name="unit" aria-label={t("Unit")}>
      {[...new Set([...UNITS, ...(line ? [line.reported.unit] : [])])].map((unit) => (
        <option key={unit} selected={unit === (line?.reported.unit ?? "kg")}>
          {unit}
        </option>
      ))}
    </select>
  </fieldset>
);

/** A correction of what says nothing of it leaves it so. */
function Carriage({ before, corrects }: { before: Facets; corrects: boolean }) {
  const carried = before["transport"] as Carried | undefined;
  return (
    <>
      <Choice name="mode" title={t("Transport")} list="transport_modes" values={corrects && !carried ? ["", ...MODES] : MODES} chosen={carried?.mode} />
      <Choice name="concealment" title={t("Concealment")} list="concealments" values={["", ...codes("concealments")]} chosen={carried?.concealment?.[0]} />
    </>
  );
}

const More = ({ before, onPhotos }: { before: Facets; onPhotos: (photos: Blob[]) => void }) => (
  <details class="field">
    <summary>{t("More: exhibit, account, photographs")}</summary>
    <div class="grid">
      <label>
        {t("Exhibit for the laboratory: agency, slash, number")}
        <input name="exhibit" pattern="[A-Z]{2}-[A-Z0-9]{2,12}/[A-Za-z0-9][A-Za-z0-9._\/\-]{0,43}" placeholder={`${session.value?.agency}/2026-17/1`} defaultValue={first(before)?.exhibit ?? ""} />
      </label>
      <label>
        {t("What happened; no names of persons")}
        <textarea name="narrative" maxLength={4000} rows={3} defaultValue={(before["narrative"] as { text?: string } | undefined)?.text ?? ""} />
      </label>
      <label>
        {t("Photographs")}
        <input type="file" accept={PHOTOGRAPHS} multiple onChange={(event) => onPhotos([...(event.currentTarget.files ?? [])])} />
      </label>
    </div>
  </details>
);

function Choice({ name, title, list, values, chosen }: { name: string; title: string; list: string; values: string[]; chosen?: string | undefined }) {
  const all = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  return (
    <label>
      {title}
      <select name={name}>
        {all.map((code) => (
          <option key={code} value={code} selected={code === (chosen ?? values[0])}>
            {code ? label(list, code) : t("Not stated")}
          </option>
        ))}
      </select>
    </label>
  );
}
