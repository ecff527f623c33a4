/** Hot spots: places with more seizures lately than their own past and the season would give. */

import { useMemo } from "preact/hooks";
import { get, purpose } from "../api";
import { Empty, Head, useAnswer } from "../parts";
import { counted, number, t, when } from "../words";
import { csv } from "./csv";
import { Figure } from "./figure";
import { type Layer } from "./over";
import { asked, filtered, pick } from "./question";

interface Cluster {
  cells: string[];
  from: string;
  observed: number;
  expected: number;
  ratio: number;
  p: number;
  significant: boolean;
}

interface Told {
  policy: string;
  clusters: Cluster[];
  not_located: number;
}

const HEAD = ["from", "cells", "observed", "expected", "ratio", "p", "significant"] as const;

const tableOf = (clusters: Cluster[]): string =>
  csv([...HEAD], clusters.map((cluster) => HEAD.map((name) => (name === "cells" ? cluster.cells.join(" ") : cluster[name]))));

async function choose(cells: string[]): Promise<void> {
  const { boxAround } = await import("./shapes"); // H3 comes when it is needed
  pick("bbox", boxAround(cells));
}

/** They are sought within a period of whole months only. */
export function useHotSpots(on: boolean): Layer {
  const { from, to } = asked();
  const path = filtered("hotspots", { resolution: "4" }, ["bbox"]);
  const ready = on && from && to;
  const { value, fault } = useAnswer(async () => (ready ? get<Told>(path) : undefined), [path, ready, purpose.value]);
  const told = ready ? value : undefined;
  const hot = useMemo(() => (told?.clusters ?? []).filter(({ significant }) => significant).map(({ cells }) => cells), [told]);
  return { hot, table: ready ? <HotSpots path={path} told={told} fault={fault} /> : <Unbounded /> };
}

const Unbounded = () => (
  <section class="figure wide" aria-label={t("Hot spots")}>
    <h2>{t("Hot spots")}</h2>
    <Empty>{t("Choose a period of whole months first: what is usual is counted within it.")}</Empty>
  </section>
);

function HotSpots({ path, told, fault }: { path: string; told: Told | undefined; fault: unknown }) {
  return (
    <Figure title={t("Hot spots")} path={path} answer={told} fault={fault} name="hotspots" table={() => tableOf(told?.clusters ?? [])} wide>
      {told?.clusters.length === 0 && <Empty>{t("No place has more than its own past and the season would give.")}</Empty>}
      {(told?.clusters.length ?? 0) > 0 && (
        <table>
          <Head of={[t("From month"), t("Cells"), t("Seen"), t("Expected"), t("p"), t("Significant")]} />
          <tbody>
            {told?.clusters.map((cluster) => (
              <tr key={cluster.cells.join()}>
                <td>{when(cluster.from)}</td>
                <td data-head={t("Cells")}><button onClick={() => void choose(cluster.cells)} aria-label={`${t("Area of the map")}: ${cluster.cells.length}`}>{cluster.cells.length}</button></td>
                <td data-head={t("Seen")}>{cluster.observed}</td>
                <td data-head={t("Expected")}>{number(String(cluster.expected))}</td>
                <td data-head="p">{number(String(cluster.p))}</td>
                <td data-head={t("Significant")}>{cluster.significant ? t("yes") : t("no")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {told && <p><small>{counted("{n} seizure without a place is not in it.", "{n} seizures without a place are not in it.", told.not_located)}</small></p>}
    </Figure>
  );
}
