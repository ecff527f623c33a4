/** A structure by SMILES: its picture, whether it is known, what it is like, and who controls it. Nothing is stored. */

import { useState } from "preact/hooks";
import { call } from "../api";
import { Empty, Fault, useDoing } from "../parts";
import { t, when } from "../words";
import { Controlled, type Cell } from "./control";
import { Svg } from "./svg";

interface Answer {
  smiles: string;
  inchikey: string;
  formula: string;
  molar_mass: string;
  monoisotopic_mass: string;
  salt: boolean;
  stereo: string;
  known: { code: string; name: string; match: string }[];
  triage: { nps_group: string | null; title?: string; says: string; source?: string };
  nearest: { code: string; name: string; similarity: string; schedules: { convention: string; schedule: string; as_of: string }[]; look: boolean }[];
  control: Record<string, Cell>;
  gaps: string[];
  svg: string | null;
}

export function Structure() {
  const [found, setFound] = useState<Answer | null>(null);
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const smiles = String(new FormData(event.currentTarget as HTMLFormElement).get("smiles")).trim();
    void run(async () => {
      setFound(null);
      setFound(await call<Answer>("POST", "/v1/structures", { body: { structure: { smiles }, picture: true } }));
    });
  };
  return (
    <>
      <form class="ask" onSubmit={submit}>
        <label>
          {t("Structure, as SMILES")}
          <textarea name="smiles" class="code-text" required maxLength={2000} rows={2} spellcheck={false} placeholder="CNC(C)C(=O)c1ccc(C)cc1" />
        </label>
        <button class="main" disabled={busy}>{t("Examine")}</button>
        {busy && <p role="status">{t("Examining …")}</p>}
        <Fault of={fault} />
      </form>
      {!found && !busy && !fault && <Empty>{t("Write or paste the SMILES of what you found. You see its picture, whether the catalogue knows it, and which controlled substances are most like it.")}</Empty>}
      {found && <Examined answer={found} />}
    </>
  );
}

const Examined = ({ answer }: { answer: Answer }) => (
  <>
    <div class="grid">
      {answer.svg && <Svg source={answer.svg} title={t("Drawing of {name}", { name: answer.smiles })} />}
      <dl class="facts">
        <dt>{t("Known as")}</dt>
        <dd>
          {answer.known.length === 0 && t("The catalogue has no such structure.")}
          {answer.known.map((one) => (
            <div key={one.code}>{one.name} <small>{one.code}</small>{one.match === "skeleton" && ` · ${t("with another stereochemistry")}`}</div>
          ))}
        </dd>
        <dt>{t("Triage, no legal statement")}</dt>
        <dd>
          {answer.triage.nps_group ? t("UNODC group: {name}", { name: answer.triage.nps_group }) : t("no group fits by pattern")}
          {answer.triage.title && <div>{answer.triage.title} <small>{answer.triage.source}</small></div>}
          <small>{t(answer.triage.says)}</small>
        </dd>
        <dt>{t("Formula")}</dt>
        <dd>{answer.formula} · {answer.molar_mass} g/mol · {t("monoisotopic")} {answer.monoisotopic_mass}{answer.salt && ` · ${t("of the base; a salt was given")}`}</dd>
        <dt>InChIKey</dt>
        <dd><code>{answer.inchikey}</code></dd>
      </dl>
    </div>
    <h2>{t("Controlled substances most like it")}</h2>
    {answer.nearest.length === 0 && <Empty>{t("None is like it.")}</Empty>}
    {answer.nearest.length > 0 && (
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Substance")}</th>
            <th scope="col">{t("Likeness (Tanimoto)")}</th>
            <th scope="col">{t("Conventions")}</th>
            <th scope="col">{t("Look at it")}</th>
          </tr>
        </thead>
        <tbody>
          {answer.nearest.map((one) => (
            <tr key={one.code}>
              <td>{one.name} <small>{one.code}</small></td>
              <td class="amount" data-head={t("Likeness (Tanimoto)")}>{one.similarity}<span class="bar" ref={(bar) => bar?.style.setProperty("width", `${100 * Number(one.similarity)}%`)} /></td>
              <td data-head={t("Conventions")}>{one.schedules.map((s) => `${s.convention} ${s.schedule} (${when(s.as_of)})`).join("; ")}</td>
              <td data-head={t("Look at it")}>{one.look ? t("yes") : t("no")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
    <h2>{t("Who controls it")}</h2>
    <Controlled cells={answer.control} gaps={answer.gaps} />
  </>
);
