/** The spectra of an analysis: files that the service keeps, each of one finding and one technique. */

import { signal } from "@preact/signals";
import { useContext, useEffect } from "preact/hooks";
import { Fault, useDoing } from "../parts";
import { t } from "../words";
import { Drop } from "./drop";
import { useRows } from "./facets";
import { type Kept, upload } from "../upload";
import { type Entries, Pick, place, read, Sheet } from "./sheet";

export const SPECTRA = ".jdx,.dx,.jcamp,.msp,.txt,.mzml,.mzML";

/** Sent from the page of spectra, and waiting for an analysis to name them. */
export const waiting = signal<Kept[]>([]);

const row = (kept: Kept): Entries => ({ line: 1, technique: "MS", media_type: kept.media_type, sha256: kept.sha256, size: kept.size });

export function Attached() {
  const { value, change } = useContext(Sheet);
  const [rows, setRows] = useRows("/spectra");
  const { busy, fault, run } = useDoing();
  useEffect(() => {
    if (waiting.value.length > 0) setRows([...rows, ...waiting.value.map(row)]);
    waiting.value = [];
  }, []);
  const add = (file: File) =>
    void run(async () => {
      const { attachment } = await upload(file);
      if (attachment) setRows([...rows, row(attachment)]);
    });
  const lines = ((read(value, "/items") ?? []) as Entries[]).map((one) => Number(one["line"]));
  return (
    <fieldset id={place("/spectra")} tabIndex={-1}>
      <legend>{t("Spectra")}</legend>
      {rows.map((one, index) => {
        const at = `/spectra/${index}`;
        return (
          <fieldset key={String(one["sha256"])}>
            <legend>{t("File {name}", { name: String(one["sha256"]).slice(0, 8) })}</legend>
            <label>
              {t("Of finding")}
              <select value={String(one["line"])} onChange={(event) => change(`${at}/line`, Number(event.currentTarget.value))}>
                {lines.map((line) => <option key={line} value={String(line)}>{line}</option>)}
              </select>
            </label>
            <Pick at={`${at}/technique`} title={t("Technique")} list="techniques" />
            <button type="button" onClick={() => setRows(rows.filter((_, other) => other !== index))}>{t("Take away")}</button>
          </fieldset>
        );
      })}
      <div class="whole">
        <Drop title={t("Drop a spectrum here, or choose one: JCAMP-DX, MSP, MassBank or mzML")} accept={SPECTRA} busy={busy} onFile={add} />
        <Fault of={fault} />
      </div>
    </fieldset>
  );
}
