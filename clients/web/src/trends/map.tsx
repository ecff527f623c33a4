/** The map with what may be shown on it, its legend and its table. */

import { useState } from "preact/hooks";
import { get, purpose } from "../api";
import { useAnswer } from "../parts";
import { go } from "../route";
import { t } from "../words";
import { amount, type Answer, type Owner, ranked, said, stateOf } from "./answer";
import { type View } from "./atlas";
import { Canvas } from "./canvas";
import { CellsFigure } from "./figure";
import { called, useNames } from "../names";
import { Marked, Over, useOver } from "./over";
import { Legend, none } from "./looks";
import { Player, usePlay } from "./play";
import { Here, InView, usePoints } from "./points";
import { asked, change, measured, pick, question, settled } from "./question";

const RESOLUTIONS = ["2", "3", "4", "5"];

export function MapOf({ owners }: { owners: Owner[] }) {
  const { map, resolution = "3", from = "", to = "", admin1 = "", bbox = "", at = "" } = asked();
  const kind = map === "cell" ? "cell" : "admin1";
  const asking = (by: string) => (kind === "cell" ? question(by, ["bbox"], { resolution }) : question(by, ["admin1"]));
  const path = asking(kind);
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const [pointed, setPointed] = useState("");
  const [view, setView] = useState<View | null>(null);
  const [here, setHere] = useState<string[]>([]);
  const over = useOver();
  const measure = measured();
  const play = usePlay(asking(`${kind},month`), measure);
  const cells = value?.by[0] === kind ? ranked(play.cells ?? value.cells, measure) : [];
  const amounts = new Map(cells.flatMap((one) => (one.key[kind] ? [[one.key[kind] ?? "", amount(one, measure)]] : [])) as [string, number][]);
  const looks = new Map(owners.map((owner) => [owner.owner, stateOf(owner, from.slice(0, 7), to.slice(0, 7))]));
  useNames("admin1", kind === "admin1" ? [...amounts.keys(), pointed] : []);
  const choose = async (key: string) => {
    if (!key) return;
    if (key.includes("-")) return pick("admin1", key);
    const { boxOf } = await import("./shapes"); // H3 comes when it is needed
    pick("bbox", boxOf(key));
  };
  const points = usePoints(view, play);
  const marks = [...(over.marks ?? []), ...points.marks];
  const opened = (views: string[]) => (views.length === 1 && views[0]?.startsWith("alert/") ? go(views[0]) : setHere(views));
  const moved = (now: View) => {
    setView(now);
    if (now.at !== at) settled({ at: now.at });
  };
  const under = cells.find((one) => one.key[kind] === pointed);
  const known = pointed && called("admin1", pointed);
  return (
    <>
      <CellsFigure title={t("On the map")} path={path} answer={value} fault={fault} wide>
        <div class="filters">
          <label>
            {t("Show")}
            <select value={kind} onChange={(event) => change({ map: event.currentTarget.value })}>
              <option value="admin1">{t("Divisions")}</option>
              <option value="cell">{t("Cells")}</option>
            </select>
          </label>
          {kind === "cell" && (
            <label>
              {t("Fineness of the cells")}
              <select value={resolution} onChange={(event) => change({ resolution: event.currentTarget.value })}>
                {RESOLUTIONS.map((one) => <option key={one}>{one}</option>)}
              </select>
            </label>
          )}
          <Over />
          <label class="check">
            <input type="checkbox" checked={points.on} onChange={(event) => change({ points: event.currentTarget.checked ? "yes" : "" })} />
            {t("Points, where they are shared")}
          </label>
        </div>
        <Player play={play} />
        <Canvas
          about={[value, measure, admin1, bbox, kind, [...looks].join(), over.legs, over.hot, over.marks, over.ties, play.at, play.cells === null, points.marks, at]}
          shown={{ kind, amounts, most: play.cells ? play.most : 0, looks, legs: over.legs ?? [], hot: over.hot ?? [], marks, ties: over.ties ?? [], at, chosen: kind === "cell" ? bbox : admin1 }}
          onPick={choose}
          onPoint={setPointed}
          onMarks={opened}
          onMove={moved}
        />
        <Here marks={marks.filter((mark, n) => here.includes(mark.view) && marks.findIndex(({ view }) => view === mark.view) === n)} />
        <InView points={points} />
        <p class="legend">
          <span class="look steps" aria-hidden="true" /> {measure === "kg" ? "kg" : t("Seizures")}: {t("few to many")}
          <Legend zero={none()} />
          <Marked over={asked()["over"] ?? ""} points={points.on} />
        </p>
        <p class="pointed">{known && `${known}: ${under ? said(under, measure) : "0"}`}</p>
        <details>
          <summary>{t("As a table")}</summary>
          <table class="ranking">
            <tbody>
              {cells.map((one) => {
                const key = one.key[kind];
                return (
                  <tr key={key ?? "-"}>
                    <th scope="row">{key ? <button onClick={() => void choose(key)}>{kind === "cell" ? key : called("admin1", key)}</button> : called(kind, key)}</th>
                    <td class="amount">{said(one, measure)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </details>
      </CellsFigure>
      {over.table}
    </>
  );
}
