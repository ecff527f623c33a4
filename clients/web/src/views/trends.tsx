/** One question seen from all sides: whatever is chosen in one figure filters the others, and stands in the address. */

import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Fault, useAnswer } from "../parts";
import { href } from "../route";
import { type Answer } from "../trends/answer";
import { Coverage } from "../trends/coverage";
import { MapOf } from "../trends/map";
import { asked, change, clear, compared, type Filter, FILTERS, measured, monthAfter, question } from "../trends/question";
import { Ranking } from "../trends/ranking";
import { SavedQuestions } from "../trends/saved";
import { Time } from "../trends/time";
import { Usual } from "../trends/usual";
import { counted, number, t, when } from "../words";
import { Period } from "../period";
import { Purpose } from "../purpose";

export function Trends() {
  const everyone = question("owner", [], {}, {});
  const { value: all, fault } = useAnswer(() => get<Answer>(everyone), [purpose.value]);
  const owners = all?.coverage.owners ?? [];
  return (
    <main class="wide">
      <h1>{t("Trends of what is shared with you")}</h1>
      <Asking />
      <SavedQuestions />
      <Fault of={fault} />
      <Total />
      {all && (
        <div class="figures">
          <Time owners={owners} />
          {compared() === "norm" && <Usual />}
          <MapOf owners={owners} />
          <Ranking dimension="substance" title={t("Substance")} owners={owners} />
          <Ranking dimension="country" title={t("Country of seizure")} owners={owners} />
          <Ranking dimension="admin1" title={t("Division")} owners={owners} />
          <Coverage owners={owners} />
        </div>
      )}
    </main>
  );
}

function Asking() {
  const { from = "", to = "", compare = "", ...rest } = asked();
  const chosen = FILTERS.filter((name) => name in rest && rest[name]);
  for (const dimension of ["substance", "admin1"]) useNames(dimension, [rest[dimension]]);
  return (
    <>
      <div class="filters">
        <Purpose />
        <Period from={from} to={to} change={change} />
        <label>
          {t("Measure")}
          <select value={measured()} onChange={(event) => change({ measure: event.currentTarget.value })}>
            <option value="seizures">{t("Seizures")}</option>
            <option value="kg">kg</option>
          </select>
        </label>
        <label>
          {t("Compare with")}
          <select value={compare} onChange={(event) => change({ compare: event.currentTarget.value })}>
            <option value="">{t("nothing")}</option>
            <option value="previous">{from && to ? t("Period before") : t("Period before, once one is chosen")}</option>
            <option value="norm">{from ? t("What is usual for each") : t("What is usual for each, once a first month is chosen")}</option>
          </select>
        </label>
      </div>
      <p class="chips" aria-label={t("Chosen")} role="group">
        {chosen.map((name) => (
          <button key={name} onClick={() => change({ [name]: "" })} title={t("Let go")}>
            {naming(name)}: {name === "bbox" ? rest[name] : called(name, rest[name])} ✕
          </button>
        ))}
        {(chosen.length > 0 || from || to) && <button onClick={clear}>{t("Let everything go")}</button>}
        <a href={href("records", { from: from && `${from.slice(0, 7)}-01`, to: to && `${to.slice(0, 7)}-01`, owner: rest["owner"] ?? "", substance: rest["substance"] ?? "" })}>
          {t("The records behind it")}
        </a>
        {rest["substance"] && <a href={href("timeline", { product: rest["substance"], from, to, owner: rest["owner"] ?? "" })}>{t("Its precursors and laboratories")}</a>}
      </p>
    </>
  );
}

const naming = (name: Filter): string =>
  ({
    from: t("From month"),
    to: t("Through month"),
    substance: t("Substance"),
    country: t("Country of seizure"),
    admin1: t("Division"),
    owner: t("Owner"),
    bbox: t("Area of the map"),
  })[name];

/** The whole of the question, with how sure its kilograms are. */
function Total() {
  const path = question("year");
  const { value, fault } = useAnswer(() => get<Answer>(path), [path, purpose.value]);
  if (fault) return <Fault of={fault} />;
  if (!value) return <p role="status">{t("Loading …")}</p>;
  const { total } = value;
  const seizures = total?.seizures ?? 0;
  const { from, to } = asked();
  const ends = [from && when(from.slice(0, 7)), to && when(monthAfter(to.slice(0, 7), -1))].filter(Boolean);
  const period = [...new Set(ends)].join(" – ");
  return (
    <p class="total" role="status">
      <strong>{counted("{n} seizure", "{n} seizures", seizures, number(String(seizures)))}</strong>
      {total && ` · ${number(total.kg)} kg`}
      {total && total.kg_converted !== "0" && ` (${t("{kg} kg of them converted by rule", { kg: number(total.kg_converted) })})`}
      {total && total.n_unconvertible > 0 && ` · ${counted("{n} line without a mass", "{n} lines without a mass", total.n_unconvertible)}`}
      {total?.pct_confirmed && ` · ${t("{n} % confirmed by a laboratory", { n: number(total.pct_confirmed) })}`}
      {period && ` · ${period}`}
      <br />
      <small>{value.caveats.map((one) => t(one)).join(" ")}</small>
    </p>
  );
}
