/** Routes as reported, leg by leg. */

import { useMemo } from "preact/hooks";
import { get, purpose } from "../api";
import { called } from "../names";
import { Empty, Head, useAnswer } from "../parts";
import { t } from "../words";
import { amount, type Amounts, type Answer, said } from "./answer";
import { CellsFigure } from "./figure";
import { type Layer } from "./over";
import { filtered, type Measure, measured } from "./question";
import { type Leg } from "./shapes";

interface Flow extends Amounts {
  origin: string | null;
  transit: string[] | null; // null: not disclosed, empty: none stated
  destination: string | null;
  certainty: string | null;
}

type Told = Pick<Answer, "policy" | "caveats" | "coverage"> & { flows: Flow[] };

const MOST = 40; // routes that are drawn, the most used first

export function useRoutes(on: boolean): Layer {
  const path = filtered("flows");
  const { value, fault } = useAnswer(async () => (on ? get<Told>(path) : undefined), [path, on, purpose.value]);
  const measure = measured();
  const legs = useMemo(() => legsOf(value?.flows ?? [], measure), [value, measure]);
  return { legs, table: <Routes path={path} told={value} fault={fault} /> };
}

/** Country to country: routes of the same leg are one arrow, as sure as the surest of them. */
function legsOf(flows: Flow[], measure: Measure): Leg[] {
  const legs = new Map<string, Leg>();
  for (const flow of flows.slice(0, MOST)) {
    const stops = [flow.origin, ...(flow.transit ?? []), flow.destination].filter((stop): stop is string => !!stop);
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
  flows.map(({ origin, transit, destination, certainty, ...amounts }) => ({ ...amounts, key: { origin, transit: transit && transit.join(">"), destination, certainty } }));

function Routes({ path, told, fault }: { path: string; told: Told | undefined; fault: unknown }) {
  const by = ["origin", "transit", "destination", "certainty"];
  const answer = told && { by, cells: cellsOf(told.flows), total: null, policy: told.policy, caveats: told.caveats, coverage: told.coverage };
  return (
    <CellsFigure title={t("Routes")} path={path} answer={answer} fault={fault} wide>
      {answer?.cells.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      <table>
        <Head of={[t("Origin"), t("Transit"), t("Destination"), t("Certainty of the weakest leg"), measured() === "kg" ? "kg" : t("Seizures")]} />
        <tbody>
          {answer?.cells.slice(0, MOST).map((cell, n) => (
            <tr key={n}>
              {by.map((name) => <td key={name}>{called(name, cell.key[name])}</td>)}
              <td data-head={measured() === "kg" ? "kg" : t("Seizures")}>{said(cell, measured())}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </CellsFigure>
  );
}
