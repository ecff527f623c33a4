/** The parts of an analysis that are lists: exhibits, techniques, findings with their contents. */

import { type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import { label, t } from "../words";
import { category, content, exhibit, finding, next, technique } from "./analysis";
import { Named } from "./named";
import { type Entries, type Json, Pick, place, read, Sheet, Text, Tick } from "./sheet";

export function useRows(at: string): [Entries[], (rows: Entries[]) => void] {
  const { value, change } = useContext(Sheet);
  return [(read(value, at) ?? []) as Entries[], (rows) => change(at, rows)];
}

interface Rows {
  at: string;
  title: string;
  add: string;
  make: (rows: Entries[]) => Entries;
  least?: number;
  named: (row: Entries) => string;
  taken?: (row: Entries) => void;
  children: (at: string, row: Entries) => ComponentChildren;
}

/** A list with a fieldset for each row; the last `least` rows cannot be taken away. */
export function Rows({ at, title, add, make, least = 0, named, taken, children }: Rows) {
  const [rows, setRows] = useRows(at);
  const take = (row: Entries, index: number) => {
    setRows(rows.filter((_, n) => n !== index));
    taken?.(row);
  };
  return (
    <fieldset id={place(at)} tabIndex={-1}>
      <legend>{title}</legend>
      {rows.map((row, index) => (
        <fieldset key={index} id={place(`${at}/${index}`)} tabIndex={-1}>
          <legend>{named(row)}</legend>
          {children(`${at}/${index}`, row)}
          {rows.length > least && (
            <button type="button" aria-label={`${t("Take away")}: ${named(row)}`} onClick={() => take(row, index)}>
              {t("Take away")}
            </button>
          )}
        </fieldset>
      ))}
      <button type="button" onClick={() => setRows([...rows, make(rows)])}>{add}</button>
    </fieldset>
  );
}

/** Takes what names this number with it. */
function useFollowing(at: string, name: string): (n: Json | undefined) => void {
  const [rows, setRows] = useRows(at);
  return (n) => setRows(rows.filter((row) => row[name] !== n));
}

export function Exhibits() {
  const drop = useFollowing("/laboratory/sampling", "exhibit");
  return (
    <Rows
      at="/laboratory/exhibits"
      title={t("Exhibits")}
      add={t("Another exhibit")}
      least={1}
      make={(rows) => exhibit(next(rows, "n"))}
      named={({ n }) => t("Exhibit {n}", { n: Number(n) })}
      taken={({ n }) => drop(n)}
    >
      {(at) => (
        <>
          <Text at={`${at}/number`} title={t("Number, with the agency that gave it")} required placeholder="KZ-CUS/2026-0173/1" pattern="[A-Z]{2}-[A-Z0-9]{2,12}/[A-Za-z0-9][A-Za-z0-9._\/\-]*" />
          <Text at={`${at}/received`} title={t("Received")} type="date" required />
          <Text at={`${at}/seals/0`} title={t("Seal")} />
          <Tick at={`${at}/seals_intact`} title={t("Seals intact")} />
          <Text at={`${at}/condition`} title={t("Condition")} />
          <Sampling exhibit={at} />
        </>
      )}
    </Rows>
  );
}

/** How units were drawn from this exhibit; one plan for each. */
function Sampling({ exhibit: at }: { exhibit: string }) {
  const { value } = useContext(Sheet);
  const [plans, setPlans] = useRows("/laboratory/sampling");
  const n = Number(read(value, `${at}/n`));
  const index = plans.findIndex((plan) => plan["exhibit"] === n);
  const drawn = `/laboratory/sampling/${index}`;
  if (index < 0)
    return (
      <button type="button" onClick={() => setPlans([...plans, { exhibit: n, plan: "HYPERGEOMETRIC", population: "", sampled: "", positive: "", claim: { proportion: "0.9", confidence: "0.95" } }])}>
        {t("Units were sampled")}
      </button>
    );
  return (
    <fieldset id={place(drawn)} tabIndex={-1}>
      <legend>{t("Sampling")}</legend>
      <Pick at={`${drawn}/plan`} title={t("Plan")} list="sampling_plans" />
      <Text at={`${drawn}/population`} title={t("Units there are")} whole required />
      <Text at={`${drawn}/sampled`} title={t("Units examined")} whole required />
      <Text at={`${drawn}/positive`} title={t("Of these positive")} whole required />
      <Text at={`${drawn}/claim/proportion`} title={t("Claim: at least this part is positive")} decimal />
      <Text at={`${drawn}/claim/confidence`} title={t("with at least this confidence")} decimal />
      <button type="button" onClick={() => setPlans(plans.filter((_, other) => other !== index))}>{t("No sampling")}</button>
    </fieldset>
  );
}

export function Techniques() {
  const { change } = useContext(Sheet);
  return (
    <Rows
      at="/laboratory/techniques"
      title={t("Techniques; a hyphenated one is two")}
      add={t("Another technique")}
      least={1}
      make={(rows) => technique(next(rows, "n"), "IRS")}
      named={(row) => `${row["n"]} · ${label("techniques", String(row["technique"]))} · ${t("category {name}", { name: category(String(row["technique"])) })}`}
    >
      {(at, row) => (
        <>
          <Pick
            at={`${at}/technique`}
            title={t("Technique")}
            list="techniques"
            onChange={(code) => change(at, { ...row, technique: code, category: category(code) })}
          />
          <Pick at={`${at}/result`} title={t("Result")} list="technique_results" />
          <Text at={`${at}/method`} title={t("Method")} placeholder="SOP-GC-7" />
          <Text at={`${at}/date`} title={t("Day")} type="date" />
        </>
      )}
    </Rows>
  );
}

export function Findings() {
  const contents = useFollowing("/purity", "line");
  const spectra = useFollowing("/spectra", "line");
  return (
    <Rows
      at="/items"
      title={t("Findings")}
      add={t("Another finding")}
      least={1}
      make={(rows) => finding(next(rows, "line"), [...((rows.at(-1)?.["techniques"] ?? []) as number[])])}
      named={(row) => [t("Finding {n}", { n: Number(row["line"]) }), row["reported"]].filter(Boolean).join(" · ")}
      taken={({ line }) => {
        contents(line);
        spectra(line);
      }}
    >
      {(at, row) => (
        <>
          <Named at={at} />
          <Of at={`${at}/exhibit`} />
          <Pick at={`${at}/level`} title={t("How sure")} list="identification_levels" />
          <Pick at={`${at}/role`} title={t("Role")} list="finding_roles" />
          <Rests at={`${at}/techniques`} line={Number(row["line"])} />
          <Pick at={`${at}/salt`} title={t("Salt form")} list="salt_forms" optional />
          <Pick at={`${at}/isomer`} title={t("Positional isomers")} list="isomer_statuses" optional />
          <Pick at={`${at}/stereo`} title={t("Enantiomers")} list="stereo_statuses" optional />
          <Content line={Number(row["line"])} />
        </>
      )}
    </Rows>
  );
}

/** Which exhibit it is of. */
export function Of({ at }: { at: string }) {
  const { value, change } = useContext(Sheet);
  const exhibits = (read(value, "/laboratory/exhibits") ?? []) as Entries[];
  return (
    <label>
      {t("Exhibit")}
      <select id={place(at)} value={String(read(value, at))} onChange={(event) => change(at, Number(event.currentTarget.value))}>
        {exhibits.map(({ n, number }) => <option key={String(n)} value={String(n)}>{[n, number].filter(Boolean).join(" · ")}</option>)}
      </select>
    </label>
  );
}

function Rests({ at, line }: { at: string; line: number }) {
  const { value, change } = useContext(Sheet);
  const chosen = (read(value, at) ?? []) as Json[];
  const techniques = (read(value, "/laboratory/techniques") ?? []) as Entries[];
  const toggle = (n: Json, on: boolean) => change(at, on ? [...chosen, n].sort() : chosen.filter((one) => one !== n));
  return (
    <fieldset id={place(at)} class="whole" tabIndex={-1}>
      <legend>{t("Finding {n} rests on", { n: line })}</legend>
      {techniques.map(({ n, technique: code, result }) => (
        <label key={String(n)} class="check">
          <input type="checkbox" checked={chosen.includes(n ?? 0)} onChange={(event) => toggle(n ?? 0, event.currentTarget.checked)} />
          {` ${n} · ${label("techniques", String(code))} · ${label("technique_results", String(result))}`}
        </label>
      ))}
    </fieldset>
  );
}

/** How much of the substance there is: said as base or as salt, with its uncertainty. */
function Content({ line }: { line: number }) {
  const [all, setAll] = useRows("/purity");
  const indexes = all.flatMap((one, index) => (one["line"] === line ? [index] : []));
  return (
    <>
      {indexes.map((index) => {
        const at = `/purity/${index}`;
        return (
          <fieldset key={index} id={place(at)} tabIndex={-1}>
            <legend>{t("Content")}</legend>
            <Text at={`${at}/value`} title={t("Value")} decimal required />
            <Pick at={`${at}/unit`} title={t("Unit")} list="purity_units" />
            <Pick at={`${at}/basis`} title={t("Basis")} list="purity_bases" />
            <Text at={`${at}/uncertainty`} title={t("Uncertainty, expanded")} decimal />
            <Text at={`${at}/k`} title={t("Coverage factor k")} decimal />
            <Text at={`${at}/lod`} title={t("Limit of detection")} decimal />
            <Text at={`${at}/loq`} title={t("Limit of quantification")} decimal />
            <button type="button" onClick={() => setAll(all.filter((_, other) => other !== index))}>{t("No content")}</button>
          </fieldset>
        );
      })}
      <button type="button" onClick={() => setAll([...all, content(line)])}>{t("Measured content")}</button>
    </>
  );
}
