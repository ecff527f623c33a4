/** What may lie over the map: one layer at a time, each a table too. */

import { type ComponentChildren } from "preact";
import { t } from "../words";
import { asked, change } from "./question";
import { type Shown } from "./canvas";
import { useGroups } from "./groups";
import { useHotSpots } from "./hotspots";
import { useRoutes } from "./routes";
import { useWarnings } from "./warnings";

export interface Layer extends Partial<Pick<Shown, "legs" | "hot" | "marks" | "ties">> {
  table: ComponentChildren;
}

/** The chosen layer; of the others nothing is asked. */
export function useOver(): Layer {
  const { over } = asked();
  const layers: Record<string, Layer> = {
    flows: useRoutes(over === "flows"),
    hotspots: useHotSpots(over === "hotspots"),
    alerts: useWarnings(over === "alerts"),
    groups: useGroups(over === "groups"),
  };
  return layers[over ?? ""] ?? { table: null };
}

/** What the marks on the map mean. */
export function Marked({ over, points }: { over: string; points: boolean }) {
  const marks: Record<string, [string, string][]> = {
    flows: [["leg", t("a route that is known or declared")], ["leg suspected", t("a route that is suspected")]],
    hotspots: [["hot", t("Hot spots")]],
    alerts: [["alert", t("Alerts")]],
    groups: [["group", t("What belongs together")]],
  };
  const shown = [...(marks[over] ?? []), ...(points ? [["point", t("a point that is shared")]] : [])];
  return (
    <>
      {shown.map(([look, said]) => (
        <span key={look}>
          <span class={`mark ${look}`} aria-hidden="true" /> {said}
        </span>
      ))}
    </>
  );
}

export const Over = () => (
  <label>
    {t("Over it")}
    <select value={asked()["over"] ?? ""} onChange={(event) => change({ over: event.currentTarget.value })}>
      <option value="">{t("nothing")}</option>
      <option value="flows">{t("Routes")}</option>
      <option value="hotspots">{t("Hot spots")}</option>
      <option value="alerts">{t("Alerts")}</option>
      <option value="groups">{t("What belongs together")}</option>
    </select>
  </label>
);
