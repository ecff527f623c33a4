/** One alert: what it says and rests on, who has answered, and what its reader may do next. */

import { useState } from "preact/hooks";
import { type Alert as Told, type Answered } from "../alerts/shapes";
import { Close, Feedback, Issue } from "../alerts/steps";
import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Fault, useAnswer } from "../parts";
import { href } from "../route";
import { country, holds } from "../session";
import { Act } from "../step";
import { countryName, label, t, when } from "../words";

export function Alert({ id }: { id: string }) {
  const [round, setRound] = useState(0);
  const { value: alert, fault } = useAnswer(() => get<Told>(`/v1/alerts/${id}`), [id, round, purpose.value]);
  useNames("substance", [alert?.substance]);
  if (fault) return <main><Fault of={fault} /></main>;
  if (!alert) return <main><p role="status">{t("Loading …")}</p></main>;
  const own = alert.issuer === country();
  const answer = alert.answers?.find((one) => one.country === country());
  const done = () => setRound(round + 1);
  const issuer = own && holds("policy_officer", "coordinator");
  return (
    <main>
      <p><a href={href("alerts")}>{t("Alerts")}</a></p>
      <h1>{alert.title}</h1>
      <p><q class="words" dir="auto">{alert.text}</q></p>
      <dl class="facts">
        <dt>{t("State")}</dt>
        <dd>{[t(alert.state), alert.reason].filter(Boolean).join(": ")}</dd>
        {alert.level && <><dt>{t("Level")}</dt><dd>{t(alert.level)}</dd></>}
        {alert.handling && <><dt>{t("Handling")}</dt><dd>{`${alert.handling} · ${label("handling", alert.handling)}`}</dd></>}
        <dt>{t("Issuer")}</dt>
        <dd>{countryName(alert.issuer)} · {alert.agency}{alert.issued && ` · ${when(alert.issued)} UTC`}</dd>
        {alert.countries && <><dt>{t("Addressed to")}</dt><dd>{alert.countries.map(countryName).join(", ")}</dd></>}
        <dt>{t("Found by")}</dt>
        <dd>{t(alert.rule)}</dd>
        {alert.substance && <><dt>{t("Substance")}</dt><dd>{called("substance", alert.substance)}</dd></>}
        {alert.records.length > 0 && (
          <>
            <dt>{t("Records")}</dt>
            <dd>{alert.records.map((record) => <a key={record} href={href(`record/${record}`)}><code>{record.slice(0, 8)}</code> </a>)}</dd>
          </>
        )}
        {alert.awaiting && <><dt>{t("Not acknowledged yet")}</dt><dd>{alert.awaiting.map(countryName).join(", ") || t("nobody")}</dd></>}
      </dl>
      {(alert.answers ?? []).length > 0 && <Answers of={alert.answers ?? []} />}
      {alert.state !== "reviewed" && !answer && <Act path={`/v1/alerts/${id}/acknowledgement`} body={{}} title={t("Acknowledge for my country")} onDone={done} />}
      {answer && <Feedback id={id} given={answer} onDone={done} />}
      {issuer && alert.state === "reviewed" && <Issue id={id} onDone={done} />}
      {issuer && alert.state === "issued" && <Close id={id} onDone={done} />}
    </main>
  );
}

const Answers = ({ of }: { of: Answered[] }) => (
  <table>
    <thead>
      <tr>
        <th scope="col">{t("Country")}</th>
        <th scope="col">{t("Acknowledged")}</th>
        <th scope="col">{t("What was done")}</th>
        <th scope="col">{t("Was it of use?")}</th>
      </tr>
    </thead>
    <tbody>
      {of.map((one) => (
        <tr key={one.country}>
          <td>{countryName(one.country)} · {one.agency}</td>
          <td>{when(one.acknowledged)} UTC</td>
          <td>{one.action}</td>
          <td>{one.useful === null ? "" : one.useful ? t("yes") : t("no")}</td>
        </tr>
      ))}
    </tbody>
  </table>
);
