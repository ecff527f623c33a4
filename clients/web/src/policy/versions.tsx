/** Every version that was proposed, what became of it, and what one changes against another. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { Empty, Fault, useAnswer } from "../parts";
import { t, when } from "../words";
import { Difference, InWords } from "./said";
import { type Full, type Overview, path } from "./shapes";

export function Versions({ of }: { of: Overview }) {
  const [shown, setShown] = useState(of.latest);
  const [against, setAgainst] = useState(Math.max(of.latest - 1, 0));
  const asked = path(`/versions/${shown}`);
  const { value, fault } = useAnswer(async () => (shown ? get<Full>(asked) : null), [asked]);
  if (of.latest === 0) return <Empty>{t("No version was ever proposed. Begin with a draft, and propose it.")}</Empty>;
  const choice = (label: string, chosen: number, choose: (n: number) => void, none?: string) => (
    <label>
      {label}
      <select value={chosen} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {none && <option value={0}>{none}</option>}
        {of.history.map(({ version, state }) => (
          <option key={version} value={version}>
            {version} · {t(state)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Version")}</th>
            <th scope="col">{t("State")}</th>
            <th scope="col">{t("Proposed on")}</th>
            <th scope="col">{t("Takes effect")}</th>
            <th scope="col">{t("Reason")}</th>
          </tr>
        </thead>
        <tbody>
          {of.history.map((one) => (
            <tr key={one.version}>
              <td data-head={t("Version")}>{one.version}</td>
              <td data-head={t("State")}>{t(one.state)}</td>
              <td data-head={t("Proposed on")}>{when(one.proposed.at)} UTC</td>
              <td data-head={t("Takes effect")}>{one.effective ? `${when(one.effective)} UTC` : "–"}</td>
              <td>{one.rejected?.reason ?? one.withdrawn?.reason ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h2>{t("Compare")}</h2>
      <div class="filters">
        {choice(t("Show version"), shown, setShown)}
        {choice(t("Against"), against, setAgainst, t("what is in force"))}
      </div>
      <Fault of={fault} />
      <Difference to={shown} from={against || undefined} />
      {value && <InWords version={value} />}
    </>
  );
}
