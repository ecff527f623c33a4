/** The frame of every figure: what it shows, its data as a file, and the question that anyone may ask again. */

import { type ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { purpose } from "../api";
import { Fault } from "../parts";
import { t } from "../words";
import { type Answer } from "./answer";
import { csv, save } from "./csv";
import { picture } from "./picture";

interface Given {
  title: string;
  path: string;
  answer?: Answer | undefined;
  fault?: unknown;
  wide?: boolean;
  pictured?: boolean; // whether there is a chart or a map in it
  children: ComponentChildren;
}

export function Figure({ title, path, answer, fault, wide, pictured, children }: Given) {
  const place = useRef<HTMLElement>(null);
  const name = `trends-${answer?.by.join("-")}`;
  return (
    <section ref={place} class={wide ? "figure wide" : "figure"} aria-label={title}>
      <h2>{title}</h2>
      <Fault of={fault} />
      {!answer && !fault && <p role="status">{t("Loading …")}</p>}
      {answer && children}
      {answer && (
        <details>
          <summary>{t("Data and question")}</summary>
          <button onClick={() => save(`${name}.csv`, "text/csv", csv(answer))}>{t("Save as CSV")}</button>
          {pictured && <button onClick={() => place.current && picture(place.current, name)}>{t("Save as picture")}</button>}
          <p>
            <code>GET {path}</code>
            <br />
            <small>
              {t("Purpose")}: {t(purpose.value)} · {t("Policies")}: <code>{answer.policy}</code>
            </small>
          </p>
        </details>
      )}
    </section>
  );
}
