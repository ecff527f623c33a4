/** A policy in the service's own words, and what it changes. */

import { get } from "../api";
import { payload } from "../keys";
import { Fault, useAnswer } from "../parts";
import { t, written } from "../words";
import { type Change, type Full, path, type Said } from "./shapes";

export const Sentences = ({ said }: { said: Said }) => (
  <section class="card">
    <h3>{said.title}</h3>
    <p>{said.effective}</p>
    <ol>
      {said.rules.map(({ id, text }) => (
        <li key={id}>
          <strong>{id}</strong>: {text}
        </li>
      ))}
    </ol>
    {said.closing.map((sentence) => (
      <p key={sentence}>{sentence}</p>
    ))}
  </section>
);

export const Changes = ({ of }: { of: Change[] }) =>
  of.length === 0 ? (
    <p>{t("It changes nothing.")}</p>
  ) : (
    <ul class="changes">
      {of.map(({ text }, n) => (
        <li key={n}>{text}</li>
      ))}
    </ul>
  );

/** The words beside the very document. */
export function InWords({ version }: { version: Full }) {
  const asked = path(`/versions/${version.version}/words?language=${written()}`);
  const { value, fault } = useAnswer(() => get<Said>(asked), [asked]);
  return (
    <div class="figures">
      <div>
        <Fault of={fault} />
        {value && <Sentences said={value} />}
      </div>
      <details open>
        <summary>{t("The document itself, as it was signed")}</summary>
        <pre tabindex={0}>{JSON.stringify(payload(version.signed), null, 2)}</pre>
      </details>
    </div>
  );
}

/** What version `to` changes against `from`, or against what is in force. */
export function Difference({ to, from }: { to: number; from?: number | undefined }) {
  const asked = path(`/diff?to=${to}${from ? `&from=${from}` : ""}&language=${written()}`);
  const { value, fault } = useAnswer(() => get<{ changes: Change[] }>(asked), [asked]);
  return (
    <>
      <Fault of={fault} />
      {value && <Changes of={value.changes} />}
    </>
  );
}
