/** What stands behind a record: the signature of its agency, its place in the log, and the versions before it. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { vouched } from "../evidence";
import { Fault, useAnswer, useDoing } from "../parts";
import { Steps } from "../receipt";
import { t, when } from "../words";
import { type Shared } from "./records";

export function Vouched({ record }: { record: Shared }) {
  const [steps, setSteps] = useState<string[]>([]);
  const { busy, fault, run } = useDoing();
  return (
    <section aria-label={t("Who vouches for it")}>
      <h2>{t("Who vouches for it")}</h2>
      {steps.length === 0 && !fault && <p>{t("Not checked in this browser yet.")}</p>}
      <Steps of={steps} />
      <Fault of={fault} />
      <button disabled={busy} onClick={() => run(async () => {
        setSteps([]);
        setSteps(await vouched(record));
      })}>{t("Check its signature and its place in the log")}</button>
    </section>
  );
}

interface Version {
  version: number;
  status: string;
  received: string;
  facets: Record<string, unknown>;
}

/** Of an own record; another country is shown one version alone. */
export function History({ id }: { id: string }) {
  const { value, fault } = useAnswer(() => get<{ items: Version[] }>(`/v1/seizures/${id}/versions`), [id]);
  const versions = value?.items ?? [];
  return (
    <section aria-label={t("Versions")}>
      <h2>{t("Versions")}</h2>
      <Fault of={fault} />
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Version")}</th>
            <th scope="col">{t("Received")}</th>
            <th scope="col">{t("State")}</th>
            <th scope="col">{t("What it changes")}</th>
          </tr>
        </thead>
        <tbody>
          {versions.map(({ version, status, received, facets }, n) => (
            <tr key={version}>
              <td data-head={t("Version")}>{version}</td>
              <td data-head={t("Received")}>{when(received)} UTC</td>
              <td data-head={t("State")}>{t(status)}</td>
              <td data-head={t("What it changes")}>{changed(versions[n - 1]?.facets, facets).map((facet) => t(facet)).join(", ") || "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The facets that say something else than in the version before. */
function changed(before: Record<string, unknown> | undefined, after: Record<string, unknown>): string[] {
  const names = before ? [...new Set([...Object.keys(before), ...Object.keys(after)])] : [];
  return names.filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after[name]));
}
