/** The map with its legend and its table. The map itself is loaded when it comes into view. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, purpose } from "../api";
import { told, useAnswer } from "../parts";
import { countryName, language, t } from "../words";
import { amount, type Answer, type Owner, ranked, said, stateOf } from "./answer";
import { type Atlas } from "./atlas";
import { meaning } from "./coverage";
import { Figure } from "./figure";
import { called, useNames } from "../names";
import { hotOf, legsOf, OverTable, useOver } from "./over";
import { Player, usePlay } from "./play";
import { asked, change, measured, pick, question } from "./question";

const RESOLUTIONS = ["2", "3", "4", "5"];

export function MapOf({ owners }: { owners: Owner[] }) {
  const { map, resolution = "3", from = "", to = "", admin1 = "", bbox = "" } = asked();
  const kind = map === "cell" ? "cell" : "admin1";
  const asking = (by: string) => (kind === "cell" ? question(by, ["bbox"], { resolution }) : question(by, ["admin1"]));
  const path = asking(kind);
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const [pointed, setPointed] = useState("");
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
  const under = cells.find((one) => one.key[kind] === pointed);
  const known = pointed && called("admin1", pointed);
  return (
    <>
      <Figure title={t("On the map")} path={path} answer={value} fault={fault} wide pictured>
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
          <label>
            {t("Over it")}
            <select value={over.kind} onChange={(event) => change({ over: event.currentTarget.value })}>
              <option value="">{t("nothing")}</option>
              <option value="flows">{t("Routes")}</option>
              <option value="hotspots">{t("Hot spots")}</option>
            </select>
          </label>
        </div>
        <Player play={play} />
        <Canvas
          about={[value, measure, admin1, bbox, kind, [...looks].join(), over.told, play.at, play.cells === null]}
          shown={{ kind, amounts, most: play.cells ? play.most : 0, looks, legs: legsOf(over, measure), hot: hotOf(over), chosen: kind === "cell" ? bbox : admin1 }}
          onPick={choose}
          onPoint={setPointed}
        />
        <p class="legend">
          <span class="look steps" aria-hidden="true" /> {measure === "kg" ? "kg" : t("Seizures")}: {t("few to many")}
          {(["zero", "silent", "unshared"] as const).map((state) => (
            <span key={state}>
              <span class={`look ${state}`} aria-hidden="true" /> {state === "zero" ? t("none among what is shared") : meaning(state)}
            </span>
          ))}
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
      </Figure>
      {over.kind && <OverTable over={over} />}
    </>
  );
}

type Shown = Parameters<Atlas["show"]>[0];

interface Given {
  about: unknown[];
  shown: Shown;
  onPick: (key: string) => void;
  onPoint: (key: string) => void;
}

function Canvas({ about, shown, onPick, onPoint }: Given) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Atlas | null>(null);
  const latest = useRef({ shown, onPick, onPoint });
  const [fault, setFault] = useState("");
  const [dark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  latest.current = { shown, onPick, onPoint };
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const turn = () => setDark(scheme.matches);
    scheme.addEventListener("change", turn);
    return () => scheme.removeEventListener("change", turn);
  }, []);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    let here = true;
    const begin = async () => {
      const { atlas } = await import("./atlas");
      if (!here) return;
      const made = await atlas(box, {
        onPick: (key) => latest.current.onPick(key),
        onPoint: (key) => latest.current.onPoint(key),
        onIdle: () => (box.dataset["idle"] = ""),
        name: countryName,
      });
      if (!here) return made.remove();
      drawn.current = made;
      made.show(latest.current.shown);
    };
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      watch.disconnect();
      begin().catch((error: unknown) => setFault(told(error)));
    });
    watch.observe(box);
    return () => {
      here = false;
      watch.disconnect();
      drawn.current?.remove();
      drawn.current = null;
    };
  }, [language.value, dark]);
  useEffect(() => drawn.current?.show(latest.current.shown), about);
  return (
    <>
      {fault && <p class="fault" role="alert">{fault}</p>}
      <div class="map" ref={place} />
    </>
  );
}
