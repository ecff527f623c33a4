/** The frame of every figure: what it shows, its data as a file, and the question that anyone may ask again. */

import { type ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { asOf, purpose } from "../api";
import { Fault } from "../parts";
import { t, when } from "../words";
import { type Answer } from "./answer";
import { csvOf, save } from "./csv";
import { picture } from "./picture";

/** For what it was asked, by which policies it was answered, and as of when if that was not the moment of the question. */
const terms = (policies?: string): string =>
  [`${t("Purpose")}: ${t(purpose.value)}`, policies && `${t("Policies")}: ${policies}`, asOf.value && `${when(asOf.value)} UTC`].filter(Boolean).join(" · ");

interface Given {
  title: string;
  path: string;
  answer?: { policy?: string } | undefined;
  caveats?: string[] | undefined;
  name: string; // of its files
  table: () => string; // its data, as CSV
  fault?: unknown;
  wide?: boolean;
  children: ComponentChildren;
}

export function Figure({ title, path, answer, caveats, name, table, fault, wide, children }: Given) {
  const place = useRef<HTMLElement>(null);
  return (
    <section ref={place} class={wide ? "figure wide" : "figure"} aria-label={title}>
      <h2>{title}</h2>
      <Fault of={fault} />
      {!answer && !fault && <p role="status">{t("Loading …")}</p>}
      {answer && children}
      {answer && (
        <details>
          <summary>{t("Data and question")}</summary>
          <button onClick={() => save(`${name}.csv`, "text/csv", table())}>{t("Save as CSV")}</button>
          <button onClick={() => place.current && picture(place.current, name, [title, `GET ${path}`, terms(answer.policy), t("Boundaries and names of places imply no endorsement.")])}>{t("Save as picture")}</button>
          <p>
            <code>GET {path}</code>
            <br />
            <small>
              {t("Purpose")}: {t(purpose.value)}
              {answer.policy && <> · {t("Policies")}: <code>{answer.policy}</code></>}
              <br />
              {caveats?.map((one) => t(one)).join(" ")}
            </small>
          </p>
        </details>
      )}
    </section>
  );
}

/** A figure of the cells of one answer. */
export const CellsFigure = ({ answer, ...given }: Omit<Given, "name" | "table" | "answer" | "caveats"> & { answer?: Answer | undefined }) => (
  <Figure {...given} answer={answer} caveats={answer?.caveats} name={`trends-${answer?.by.join("-")}`} table={() => (answer ? csvOf(answer) : "")} />
);
