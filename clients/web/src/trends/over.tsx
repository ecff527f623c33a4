/** What may lie over the map: routes as reported, or places with more than their past would give. Each is a table too. */

import { get, purpose } from "../api";
import { called } from "../names";
import { Empty, Fault, useAnswer } from "../parts";
import { counted, number, t, when } from "../words";
import { amount, type Amounts, type Answer, said } from "./answer";
import { Figure } from "./figure";
import { asked, filtered, type Measure, measured } from "./question";
import { type Leg } from "./shapes";

interface Flow extends Amounts {
  origin: string | null;
  transit: string[];
  destination: string | null;
  certainty: string | null;
}

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
  caveats: string[];
  coverage: Answer["coverage"];
  flows?: Flow[];
  clusters?: Cluster[];
  not_located?: number;
}

export interface Over {
  kind: "" | "flows" | "hotspots";
  path: string;
  told: Told | undefined;
  fault: unknown;
}

const MOST = 40; // routes that are drawn, the most used first

/** The chosen layer; nothing is asked while none is chosen, or hot spots without a period. */
export function useOver(): Over {
  const { over, from, to } = asked();
  const kind = over === "flows" || over === "hotspots" ? over : "";
  const path = kind && filtered(kind, kind === "hotspots" ? { resolution: "4" } : {});
  const ready = kind === "flows" || (kind === "hotspots" && from && to);
  const { value, fault } = useAnswer(async () => (ready ? get<Told>(path) : undefined), [path, purpose.value]);
  return { kind, path, told: ready ? value : undefined, fault };
}

export const hotOf = ({ told }: Over): string[][] => (told?.clusters ?? []).filter(({ significant }) => significant).map(({ cells }) => cells);

/** Country to country: routes of the same leg are one arrow, as sure as the surest of them. */
export function legsOf({ told }: Over, measure: Measure): Leg[] {
  const legs = new Map<string, Leg>();
  for (const flow of (told?.flows ?? []).slice(0, MOST)) {
    const stops = [flow.origin, ...flow.transit, flow.destination].filter((stop): stop is string => !!stop);
    stops.slice(1).forEach((to, n) => {
      const from = stops[n] ?? "";
      const known = legs.get(`${from}>${to}`) ?? { from, to, suspected: true, weight: 0 };
      legs.set(`${from}>${to}`, { ...known, suspected: known.suspected && flow.certainty === "SUSPECTED", weight: known.weight + amount(flow, measure) });
    });
  }
  return [...legs.values()].filter(({ from, to }) => from !== to);
}

/** Routes as cells of an answer, so that they are saved like any other. */
const cellsOf = (flows: Flow[]): Answer["cells"] =>
  flows.map(({ origin, transit, destination, certainty, ...amounts }) => ({ ...amounts, key: { origin, transit: transit.join(">"), destination, certainty } }));

export function OverTable({ over }: { over: Over }) {
  const { kind, told, fault, path } = over;
  const { from, to } = asked();
  if (kind === "hotspots" && !(from && to))
    return (
      <section class="figure wide">
        <h2>{t("Hot spots")}</h2>
        <Empty>{t("Choose a period of whole months first: what is usual is counted within it.")}</Empty>
      </section>
    );
  if (kind === "hotspots") return <HotSpots told={told} fault={fault} />;
  const by = ["origin", "transit", "destination", "certainty"];
  const answer = told?.flows && { by, cells: cellsOf(told.flows), total: null, policy: told.policy, caveats: told.caveats, coverage: told.coverage };
  return (
    <Figure title={t("Routes")} path={path} answer={answer} fault={fault} wide>
      {answer?.cells.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Origin")}</th>
            <th scope="col">{t("Transit")}</th>
            <th scope="col">{t("Destination")}</th>
            <th scope="col">{t("Certainty of the weakest leg")}</th>
            <th scope="col">{measured() === "kg" ? "kg" : t("Seizures")}</th>
          </tr>
        </thead>
        <tbody>
          {answer?.cells.slice(0, MOST).map((cell, n) => (
            <tr key={n}>
              {by.map((name) => <td key={name}>{name === "transit" && !cell.key[name] ? "–" : called(name, cell.key[name])}</td>)}
              <td data-head={measured() === "kg" ? "kg" : t("Seizures")}>{said(cell, measured())}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Figure>
  );
}

function HotSpots({ told, fault }: { told: Told | undefined; fault: unknown }) {
  return (
    <section class="figure wide" aria-label={t("Hot spots")}>
      <h2>{t("Hot spots")}</h2>
      <Fault of={fault} />
      {!told && !fault && <p role="status">{t("Loading …")}</p>}
      {told?.clusters?.length === 0 && <Empty>{t("No place has more than its own past and the season would give.")}</Empty>}
      {(told?.clusters?.length ?? 0) > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("From month")}</th>
              <th scope="col">{t("Cells")}</th>
              <th scope="col">{t("Seen")}</th>
              <th scope="col">{t("Expected")}</th>
              <th scope="col">{t("p")}</th>
              <th scope="col">{t("Significant")}</th>
            </tr>
          </thead>
          <tbody>
            {told?.clusters?.map((cluster) => (
              <tr key={cluster.cells.join()}>
                <td>{when(cluster.from)}</td>
                <td data-head={t("Cells")}>{cluster.cells.length}</td>
                <td data-head={t("Seen")}>{cluster.observed}</td>
                <td data-head={t("Expected")}>{number(String(cluster.expected))}</td>
                <td data-head="p">{number(String(cluster.p))}</td>
                <td data-head={t("Significant")}>{cluster.significant ? t("yes") : t("no")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {told && <p><small>{counted("{n} seizure without a place is not in it.", "{n} seizures without a place are not in it.", told.not_located ?? 0)}</small></p>}
    </section>
  );
}
