/** Where it happened: a crossing point of one's country, where this device is, or a place on the map. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get, NoLink } from "../api";
import { Fault, useAnswer } from "../parts";
import type { Pointer } from "./chart";
import { country } from "../session";
import { t } from "../words";

export type Point = Record<string, unknown>;

interface Crossing {
  code: string;
  sides: { country: string; name: string }[];
  lat: number | null;
  lon: number | null;
}

const said = (point: Point | null): string =>
  point?.["lat"] && !point["crossing"] ? `${point["lat"]}, ${point["lon"]}${point["accuracy_m"] ? ` ± ${point["accuracy_m"]} m` : ""}` : "";

/** The crossing points of a country; without a link those that were told the last time. */
async function crossingsOf(country: string): Promise<Crossing[]> {
  const kept = `crossings ${country}`;
  try {
    const { items } = await get<{ items: Crossing[] }>(`/v1/crossings?country=${country}`);
    localStorage.setItem(kept, JSON.stringify(items));
    return items;
  } catch (fault) {
    if (!(fault instanceof NoLink)) throw fault;
    return JSON.parse(localStorage.getItem(kept) ?? "[]") as Crossing[];
  }
}

export function Place({ begun, onPlace }: { begun: Point | null; onPlace: (point: Point | null) => void }) {
  const own = country();
  const crossings = useAnswer(() => crossingsOf(own), [own]).value ?? [];
  const [found, setFound] = useState(said(begun));
  const [crossing, setCrossing] = useState(String(begun?.["crossing"] ?? ""));
  const [map, setMap] = useState(false);
  const place = (point: Point) => {
    setCrossing("");
    setFound(said(point));
    onPlace(point);
  };
  const here = () =>
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => place({ lat: coords.latitude.toFixed(5), lon: coords.longitude.toFixed(5), accuracy_m: Math.ceil(coords.accuracy), method: "GPS" }),
      () => setFound(t("This device does not tell where it is.")),
    );
  const cross = (code: string) => {
    setFound("");
    setCrossing(code);
    const one = crossings.find((known) => known.code === code);
    if (!one) return onPlace(null);
    const at = one.lat === null || one.lon === null ? {} : { lat: String(one.lat), lon: String(one.lon) };
    onPlace({ ...at, crossing: code, method: "BCP" });
  };
  return (
    <div class="field">
      <label>
        {t("Crossing point")}
        <select name="crossing" value={crossing} onChange={(event) => cross(event.currentTarget.value)}>
          <option value="">{t("Somewhere else")}</option>
          {crossings.map((one) => (
            <option key={one.code} value={one.code}>
              {one.sides.map(({ name }) => name).join(" – ")}
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={here}>{t("Where I am")}</button>
      <button type="button" aria-expanded={map} onClick={() => setMap(!map)}>{t("On the map")}</button>
      <small role="status">{found}</small>
      {map && (
        <OnMap
          begun={begun}
          onTake={(point) => {
            place(point);
            setMap(false);
          }}
        />
      )}
    </div>
  );
}

function OnMap({ begun, onTake }: { begun: Point | null; onTake: (point: Point) => void }) {
  const container = useRef<HTMLDivElement>(null);
  const [pointer, setPointer] = useState<Pointer | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  useEffect(() => {
    let shown: Pointer | null = null;
    let gone = false;
    const at = begun?.["lat"] ? { lat: String(begun["lat"]), lon: String(begun["lon"]) } : null;
    const idle = () => container.current && (container.current.dataset["idle"] = "");
    import("./chart")
      .then(async ({ chart }) => {
        if (!container.current) return;
        shown = await chart(container.current, country(), at, idle);
        if (gone) shown.remove();
        else setPointer(shown);
      })
      .catch(setFault);
    return () => {
      gone = true;
      shown?.remove();
    };
  }, []);
  return (
    <>
      <div class="pointing">
        <div ref={container} class="map" role="application" aria-label={t("Map: bring the place under the cross, with the arrow keys or by pointing")} />
        <span class="cross" aria-hidden="true">+</span>
      </div>
      <button type="button" disabled={!pointer} onClick={() => pointer && onTake({ ...pointer.middle(), method: "MAP" })}>
        {t("It is under the cross")}
      </button>
      <Fault of={fault} />
    </>
  );
}
