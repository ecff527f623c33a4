/** Where it happened: a crossing point of one's country, or where this device is. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { useAnswer } from "../parts";
import { country } from "../session";
import { language, t } from "../words";

export type Point = Record<string, unknown>;

interface Crossing {
  code: string;
  sides: { country: string; name: string }[];
  lat: number | null;
  lon: number | null;
}

export function Place({ onPlace }: { onPlace: (point: Point | null) => void }) {
  const own = country();
  const crossings = useAnswer(() => get<{ items: Crossing[] }>(`/v1/crossings?country=${own}`), [own]).value?.items ?? [];
  const [found, setFound] = useState("");
  const here = () =>
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const [lat, lon] = [coords.latitude.toFixed(5), coords.longitude.toFixed(5)];
        setFound(`${lat}, ${lon} ± ${Math.ceil(coords.accuracy)} m`);
        onPlace({ lat, lon, accuracy_m: Math.ceil(coords.accuracy), method: "GPS" });
      },
      () => setFound(t("This device does not tell where it is.")),
    );
  const cross = (code: string) => {
    setFound("");
    const one = crossings.find((crossing) => crossing.code === code);
    if (!one) return onPlace(null);
    const at = one.lat === null || one.lon === null ? {} : { lat: String(one.lat), lon: String(one.lon) };
    onPlace({ ...at, crossing: code, method: "BCP" });
  };
  return (
    <div class="field">
      <label>
        {t("Crossing point")}
        <select name="crossing" onChange={(event) => cross(event.currentTarget.value)}>
          <option value="">{t("Somewhere else")}</option>
          {crossings.map((one) => (
            <option key={one.code} value={one.code}>
              {one.sides.map(({ name }) => name).join(" – ")}
            </option>
          ))}
        </select>
      </label>
      <button type="button" lang={language.value} onClick={here}>
        {t("Where I am")}
      </button>
      <small role="status">{found}</small>
    </div>
  );
}
