/** Who reports and who shares: three silences that look different, and when each country last said anything. */

import { get, purpose } from "../api";
import { Head, useAnswer } from "../parts";
import { countryName, language, t, when } from "../words";
import { type Answer, lastReported, type Owner, said, span, stateOf } from "./answer";
import { Drawn } from "./drawn";
import { CellsFigure } from "./figure";
import { Look, meaning } from "./looks";
import { asked, measured, monthAfter, pick, question } from "./question";

const MOST = 36; // months of the strip

export function Coverage({ owners }: { owners: Owner[] }) {
  const path = question("owner", ["owner"]);
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  const { from = "", to = "", owner: chosen } = asked();
  const cells = new Map(value?.cells.map((cell) => [cell.key["owner"], cell]));
  const whole = span(owners);
  const strip: [string, string] | null = whole && [[whole[0], monthAfter(whole[1], 1 - MOST)].sort()[1] ?? "", whole[1]];
  const title = t("Who has reported");
  return (
    <CellsFigure title={title} path={path} answer={value} fault={fault} wide>
      {strip && <Drawn about={[owners, language.value]} draw={(charts, width) => charts.silences(owners, strip, width, countryName, title)} />}
      <table>
        <Head of={[t("Owner"), t("In this period"), t("Last reported"), measured() === "kg" ? "kg" : t("Seizures")]} />
        <tbody>
          {owners.map((owner) => {
            const state = stateOf(owner, from.slice(0, 7), to.slice(0, 7));
            const cell = cells.get(owner.owner);
            const last = lastReported(owner);
            return (
              <tr key={owner.owner}>
                <td>
                  <button aria-pressed={chosen === owner.owner} onClick={() => pick("owner", owner.owner)}>
                    {countryName(owner.owner)}
                  </button>
                </td>
                <td>
                  <Look of={state} /> {meaning(state)}
                </td>
                <td data-head={t("Last reported")}>{last ? when(last) : "–"}</td>
                <td data-head={measured() === "kg" ? "kg" : t("Seizures")}>{cell ? said(cell, measured()) : state === "reported" || state === "zero" ? "0" : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </CellsFigure>
  );
}
