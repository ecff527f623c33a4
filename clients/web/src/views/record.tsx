/** One record: what is given of it and what is not, its versions, and a request to its owner for more. */

import { useState } from "preact/hooks";
import { call, get, purpose } from "../api";
import { following, Withdraw } from "../because";
import { Facet, Named } from "../facet";
import { Fault, useAnswer, useDoing } from "../parts";
import { put } from "../outbox";
import { instant, now } from "../records";
import { go, href } from "../route";
import { holds, session } from "../session";
import { countryName, label, language, number, t, when } from "../words";
import { place, type Shared, time } from "./records";
import { History, Vouched } from "./vouched";

const FACETS = [
  "reference", "when.instant", "when.day", "when.month", "where.point", "where.cell", "where.admin1", "where.country",
  "items", "transport", "route", "persons", "marks", "case", "laboratory", "purity", "spectra", "narrative",
];

export function Record({ id }: { id: string }) {
  const { value: record, fault } = useAnswer(() => get<Shared>(`/v1/seizures/${id}`), [id, purpose.value]);
  if (fault) return <main><Fault of={fault} /></main>;
  if (!record) return <main><p role="status">{t("Loading …")}</p></main>;
  const lacking = FACETS.filter((facet) => !record.gives.includes(facet));
  return (
    <main>
      <h1>{record.status === "retracted" ? t("retracted") : [time(record.facets), place(record.facets)].join(" · ")}</h1>
      {record.recalled && <p class="fault">{t("Its owner has recalled this record.")}</p>}
      <dl class="facts">
        <dt>{t("Owner")}</dt>
        <dd>{countryName(record.owner)} · {record.agency}</dd>
        <dt>{t("Handling")}</dt>
        <dd>{label("handling", record.handling)}</dd>
        {record.obligations.length > 0 && <><dt>{t("What you owe for it")}</dt><dd>{record.obligations.map((one) => t(one)).join(", ")}</dd></>}
        <dt>{t("Version")}</dt>
        <dd>{record.version}</dd>
        {Object.entries(record.facets).map(([name, value]) => <Facet key={name} name={name} value={value} />)}
        {record.derived && <Derived record={record} />}
      </dl>
      {record.own && record.agency === session.value?.agency && holds("reporter", "laboratory") && <Own record={record} />}
      <Vouched record={record} />
      {record.own && <History id={record.id} />}
      {!record.own && lacking.length > 0 && holds("analyst", "reporter", "laboratory") && <Ask record={record} lacking={lacking} />}
    </main>
  );
}

function Derived({ record }: { record: Shared }) {
  return (
    <>
      <dt>{t("Derived by the service")}</dt>
      <dd>
        {record.derived?.items.map((line) => (
          <div key={line.line}>
            {line.substance ? <Named code={line.substance} /> : t("no entry of the catalogue")} · {label("identification_statuses", line.status)}
            {line.kg && ` · ${number(line.kg)} kg (${t("rule")}: ${line.rule})`}
          </div>
        ))}
      </dd>
    </>
  );
}

/** What the agency that filed it may still do: say it better, or take it back. */
function Own({ record }: { record: Shared }) {
  const { id, agency, handling, kind } = record;
  if (record.status === "retracted") return null;
  const withdraw = async (text: string) => {
    const facets = { reported: instant(now()), narrative: { text, language: language.value } };
    await put({ id, agency, kind: "retraction", handling, facets, ...(await following(`/v1/seizures/${id}`)) });
    go("report");
  };
  return (
    <>
      {kind === "seizure" && <p><a href={href("report", { correct: id })}>{t("Correct it")}</a></p>}
      <Withdraw act={withdraw} />
    </>
  );
}

function Ask({ record, lacking }: { record: Shared; lacking: string[] }) {
  const [asked, setAsked] = useState("");
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const body = { record: record.id, facets: given.getAll("facet"), reason: String(given.get("reason")) };
    void run(async () => {
      const made = await call<{ deadline: string }>("POST", "/v1/requests", { body, purposeful: true });
      setAsked(made.deadline);
    });
  };
  if (asked) return <p role="status">{t("Asked. An answer is due by {day}.", { day: when(asked) })}</p>;
  return (
    <form class="ask" onSubmit={submit}>
      <h2>{t("Ask {country} for more", { country: countryName(record.owner) })}</h2>
      <fieldset>
        <legend>{t("Not given to you for this purpose")}</legend>
        {lacking.map((facet) => (
          <label key={facet} class="check">
            <input type="checkbox" name="facet" value={facet} /> {t(facet)}
          </label>
        ))}
      </fieldset>
      <label>
        {t("Why, for the owner to judge")}
        <textarea name="reason" required maxLength={1000} rows={3} />
      </label>
      <button disabled={busy}>{t("Sign and ask")}</button>
      <Fault of={fault} />
    </form>
  );
}
