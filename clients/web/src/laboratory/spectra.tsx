/** Search with a spectrum: candidates with no more confidence than they earn, the best of them drawn face to face. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { go, href } from "../route";
import { holds } from "../session";
import { save } from "../trends/csv";
import { counted, countryName, t } from "../words";
import { Purpose } from "../purpose";
import { SPECTRA, waiting } from "./attached";
import { Drop } from "./drop";
import { upload } from "../upload";
import { Svg } from "./svg";

interface Candidate {
  source: "library" | "record";
  spectrum?: string;
  record?: { id: string; owner: string };
  score: string;
  confident: boolean;
  matched: number;
  name: string | null;
  substance: string | null;
  resolved?: string;
  ion: string | null;
  instrument?: string;
  licence?: string;
  attribution?: { authors?: string; accession?: string };
  mirror?: string;
}

interface Answer {
  query: { technique: string; name: string; precursor_mz: number | null; ion_mode: string | null; peaks: number };
  file: { read: number; empty: number; more: boolean };
  threshold: string;
  reservation: string | null;
  answer: string;
  candidates: Candidate[];
  library: number;
  hits?: { owner: string; agency: string; class: string | null; band: string }[];
}

export function Spectra() {
  const [file, setFile] = useState<File | null>(null);
  const [how, setHow] = useState("precursor");
  const [scans, setScans] = useState("");
  const [which, setWhich] = useState(1);
  const [found, setFound] = useState<Answer | null>(null);
  const { busy, fault, run } = useDoing();
  const search = (given: File, n: number) =>
    run(async () => {
      setFile(given);
      setWhich(n);
      setFound(null);
      const bytes = new Uint8Array(await given.arrayBuffer());
      const path = `/v1/spectra/search?how=${how}&n=${n}&limit=10&mirrors=3&hits=true${scans && `&full_scans=${scans}`}`;
      setFound(await call<Answer>("POST", path, { bytes, purposeful: true }));
    });
  const attach = () =>
    run(async () => {
      const { attachment } = file ? await upload(file) : {};
      if (attachment) waiting.value = [attachment];
      go("laboratory/enter");
    });
  return (
    <>
      <div class="filters">
        <Purpose />
        <label>
          {t("Compare with")}
          <select value={how} onChange={(event) => setHow(event.currentTarget.value)}>
            <option value="precursor">{t("spectra of the precursor's mass")}</option>
            <option value="open">{t("all spectra; for a class at most")}</option>
          </select>
        </label>
        <label>
          {t("Full scans are")}
          <select value={scans} onChange={(event) => setScans(event.currentTarget.value)}>
            <option value="">{t("what the file says")}</option>
            <option value="EI">{t("electron ionisation")}</option>
          </select>
        </label>
      </div>
      <Drop title={t("Drop a spectrum here, or choose one: JCAMP-DX, MSP, MassBank or mzML")} accept={SPECTRA} busy={busy} onFile={(given) => void search(given, 1)} />
      {busy && <p role="status">{t("Searching …")}</p>}
      <Fault of={fault} />
      {!file && <Empty>{t("Nothing of it is stored when you search. Candidates come from the reference library, and from records that you are given for this purpose.")}</Empty>}
      {file && found && (
        <>
          {found.file.read > 1 && (
            <label>
              {t("Spectrum of the file")}
              <select value={which} onChange={(event) => void search(file, Number(event.currentTarget.value))}>
                {Array.from({ length: Math.min(found.file.read, 500) }, (_, n) => <option key={n} value={n + 1}>{n + 1}</option>)}
              </select>
            </label>
          )}
          <Answered answer={found} name={file.name} />
          {holds("laboratory") && <p><button disabled={busy} onClick={() => void attach()}>{t("Attach it to an analysis")}</button></p>}
        </>
      )}
    </>
  );
}

function Answered({ answer, name }: { answer: Answer; name: string }) {
  const { query, candidates, hits = [] } = answer;
  const confident = candidates.some((one) => one.confident);
  const asked = [query.technique, query.precursor_mz !== null && `m/z ${query.precursor_mz}`, query.ion_mode, counted("{n} peak", "{n} peaks", query.peaks)].filter(Boolean).join(" · ");
  return (
    <>
      <section class={`verdict ${confident ? "met" : "short"}`} role="status">
        <h2>{confident ? t("A confident candidate") : t("No confident candidate")}</h2>
        <p>{name} · {asked}</p>
        <p>
          {confident
            ? t("Scored {threshold} or more, with fragments in common besides the precursor. Ring isomers may still look alike: a likeness is no identification.", { threshold: answer.threshold })
            : candidates.length > 0
              ? t("What follows are hints, not answers.")
              : t("Nothing in {n} reference spectra, nor in the records that you are given, is like it.", { n: answer.library })}
        </p>
        {answer.reservation && <p>{t(answer.reservation)}</p>}
      </section>
      {candidates.length > 0 && <Table of={candidates} />}
      {candidates.map((one) => one.mirror && <Mirror key={(one.spectrum ?? one.record?.id ?? "") + one.score} candidate={one} />)}
      {hits.length > 0 && (
        <section>
          <h2>{t("Hits in what is not shown to you")}</h2>
          <ul>
            {hits.map((hit, n) => <li key={n}>{countryName(hit.owner)} · {hit.agency} · {hit.class} · {hit.band}</li>)}
          </ul>
        </section>
      )}
    </>
  );
}

const title = (one: Candidate): string => one.name ?? one.resolved ?? one.substance ?? t("substance not shared with you");

const Table = ({ of }: { of: Candidate[] }) => (
  <table>
    <caption class="empty">{t("Candidates, the best first")}</caption>
    <thead>
      <tr>
        <th scope="col">{t("Candidate")}</th>
        <th scope="col">{t("Confident")}</th>
        <th scope="col">{t("Score")}</th>
        <th scope="col">{t("Peaks in common")}</th>
        <th scope="col">{t("Ion")}</th>
        <th scope="col">{t("From")}</th>
      </tr>
    </thead>
    <tbody>
      {of.map((one, n) => (
        <tr key={n}>
          <td>{title(one)} <small>{one.substance}</small></td>
          <td data-head={t("Confident")}>{one.confident ? t("yes") : t("no")}</td>
          <td class="amount" data-head={t("Score")}>{one.score}</td>
          <td class="amount" data-head={t("Peaks in common")}>{one.matched}</td>
          <td data-head={t("Ion")}>{one.ion === null ? t("none of this substance") : one.ion}</td>
          <td data-head={t("From")}>
            {one.record ? (
              <a href={href("laboratory/analysis", { id: one.record.id })}>{countryName(one.record.owner)} <code>{one.record.id.slice(0, 8)}</code></a>
            ) : (
              <>{t("Library")} <small>{[one.instrument, one.attribution?.authors, one.attribution?.accession, one.licence].filter(Boolean).join(" · ")}</small></>
            )}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

function Mirror({ candidate }: { candidate: Candidate }) {
  const name = title(candidate);
  return (
    <section class="figure" aria-label={name}>
      <h2>{name}</h2>
      <Svg source={candidate.mirror ?? ""} title={t("Mirror plot: your spectrum above, {name} below; score {score}, {n} peaks in common", { name, score: candidate.score, n: candidate.matched })} />
      <button onClick={() => save("mirror.svg", "image/svg+xml", candidate.mirror ?? "")}>{t("Save as picture")}</button>
      {candidate.spectrum && <Peaks id={candidate.spectrum} />}
    </section>
  );
}

/** The candidate's peaks, asked for when they are opened. */
function Peaks({ id }: { id: string }) {
  const [open, setOpen] = useState(false);
  const { value, fault } = useAnswer(async () => (open ? get<{ peaks: [number, number][] }>(`/v1/spectra/library/${id}`) : undefined), [open]);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("Peaks of the candidate as a table")}</summary>
      <Fault of={fault} />
      {value && (
        <table>
          <thead>
            <tr><th scope="col">m/z</th><th scope="col">{t("Intensity")}</th></tr>
          </thead>
          <tbody>
            {value.peaks.map(([mz, height]) => <tr key={mz}><td>{mz}</td><td data-head={t("Intensity")}>{height}</td></tr>)}
          </tbody>
        </table>
      )}
    </details>
  );
}
