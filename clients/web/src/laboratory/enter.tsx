/** Enter one analysis, or correct one: the service judges it while it is written; it is then fixed for review. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { get, purpose } from "../api";
import { Fault, useAnswer, useDoing } from "../parts";
import { type Facets } from "../records";
import { go, route } from "../route";
import { session } from "../session";
import { codes, label, t } from "../words";
import { blank, entriesOf, facetsOf, rememberLaboratory } from "./analysis";
import { Appearances } from "./appearances";
import { Exhibits, Findings, Techniques } from "./facets";
import { put } from "./kept";
import { Reviewer } from "./reviewer";
import { type Entries, type Json, Pick, Sheet, Text, Tick, written } from "./sheet";
import { Attached } from "./attached";
import { faultsOf, Said, useVerdict } from "./verdict";

interface Own {
  version: number;
  latest: boolean;
  digest: string;
  handling: string;
  facets: Facets;
}

export function Enter() {
  const { query } = route.value;
  const corrected = query.get("correct");
  const { value, fault } = useAnswer(
    async () => (corrected ? (await get<{ items: Own[] }>(`/v1/analyses/${corrected}/versions`)).items.find(({ latest }) => latest) : undefined),
    [corrected, purpose.value],
  );
  if (fault) return <Fault of={fault} />;
  if (!corrected) return <Form entries={blank(query.get("exhibit") ?? "")} handling="TLP:AMBER" />;
  if (!value) return <p role="status">{t("Loading …")}</p>;
  return <Form entries={entriesOf(value.facets)} handling={value.handling} corrects={{ id: corrected, version: value.version, digest: value.digest }} />;
}

interface Given {
  entries: Entries;
  handling: string;
  corrects?: { id: string; version: number; digest: string };
}

function Form({ entries: given, handling: marked, corrects }: Given) {
  const [begun] = useState(given);
  const [value, setValue] = useState<Entries>(begun);
  const [handling, setHandling] = useState(marked);
  const [reviewer, setReviewer] = useState("");
  const { busy, fault, run } = useDoing();
  const { verdict, fault: unasked } = useVerdict(() => facetsOf(value), value);
  const faults = useMemo(() => faultsOf(verdict), [verdict]);
  const change = (pointer: string, to: Json) => setValue((now) => written(now, pointer, to));
  useUnsaved(value !== begun && !busy);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void run(async () => {
      const next = corrects ? { id: corrects.id, version: corrects.version + 1, previous: corrects.digest } : { id: crypto.randomUUID(), version: 1 };
      await put(await facetsOf(value), { agency: session.value?.agency ?? "", handling, ...next }, reviewer);
      rememberLaboratory(value);
      go("laboratory/desk");
    });
  };
  return (
    <Sheet.Provider value={{ value, faults, change }}>
      {corrects && <p>{t("A correction: version {n}. The version before stays, and is shown to your country alone.", { n: corrects.version + 1 })}</p>}
      <form class="sheet" onSubmit={submit}>
        <fieldset id="at-laboratory" tabIndex={-1}>
          <legend>{t("The examination")}</legend>
          <Text at="/laboratory/case" title={t("Case number of the laboratory")} required />
          <Text at="/reference" title={t("Reference of this report")} required />
          <Text at="/laboratory/started" title={t("Begun")} type="date" />
          <Text at="/laboratory/issued" title={t("Issued")} type="date" required />
          <label>
            {t("Handling")}
            <select value={handling} onChange={(event) => setHandling(event.currentTarget.value)}>
              {codes("handling").map((code) => <option key={code} value={code}>{`${code} · ${label("handling", code)}`}</option>)}
            </select>
          </label>
          <details>
            <summary>{t("Accreditation, proficiency, remarks")}</summary>
            <fieldset>
              <Pick at="/laboratory/accreditation/status" title={t("Accreditation")} list="accreditations" />
              <Text at="/laboratory/accreditation/certificate" title={t("Certificate")} />
              <Tick at="/laboratory/accreditation/in_scope" title={t("These methods are within its scope")} />
              <Text at="/laboratory/proficiency/scheme" title={t("Proficiency scheme")} placeholder="UNODC ICE" />
              <Text at="/laboratory/proficiency/round" title={t("Its last round")} placeholder="2026/1" />
              <Text at="/narrative" title={t("Remarks")} />
            </fieldset>
          </details>
        </fieldset>
        <Exhibits />
        <Techniques />
        <Findings />
        <Appearances />
        <Attached />
        <Said verdict={verdict} fault={unasked} />
        <fieldset>
          <legend>{t("Four eyes")}</legend>
          <Reviewer chosen={reviewer} onChoose={setReviewer} />
          <div class="field">
            <button class="main" disabled={busy || !verdict || verdict.problem !== undefined}>{t("Fix it for review")}</button>
            <small>{t("It is filed when the reviewer has signed it, and then you.")}</small>
            <Fault of={fault} />
          </div>
        </fieldset>
      </form>
    </Sheet.Provider>
  );
}

/** Whoever closes the page with something written is asked first. */
function useUnsaved(unsaved: boolean): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (unsaved) addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);
}
