/** The usual members of rules as a form; what the form does not know stays in the document as it is. */

import { type ComponentChildren } from "preact";
import { countryName, label, t } from "../words";
import { PURPOSES, READING_ROLES, type Rule } from "./shapes";

const HANDLING = ["TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"];
const FACETS = ["reference", "reported", "items", "transport", "route", "persons", "marks", "case", "laboratory", "purity", "spectra", "narrative"];
const OBLIGATIONS = ["ask_originator", "notify_owner", "no_export", "no_onward", "no_judicial_use", "originator_authorises", "h3_named_conditions"];
const TIME = { none: "none", month: "when.month", day: "when.day", instant: "when.instant" };
const PLACE = { none: "none", country: "where.country", admin1: "where.admin1", cell: "where.cell", point: "where.point" };

export const EMPTY_RULE: Rule = { id: "", effect: "permit", audience: {}, handling_up_to: "TLP:AMBER", facets: ["items"], time: "month", place: "country" };

interface Given {
  rules: Rule[];
  countries: string[]; // those outside one's own
  onChange: (rules: Rule[]) => void;
}

export function Rules({ rules, countries, onChange }: Given) {
  const put = (n: number, rule: Rule) => onChange(rules.map((one, at) => (at === n ? rule : one)));
  const move = (n: number, to: number) => {
    const others = rules.filter((_, at) => at !== n);
    onChange([...others.slice(0, to), rules[n] as Rule, ...others.slice(to)]);
  };
  return (
    <>
      {rules.map((rule, n) => (
        <details key={n} class="card" open={rules.length < 3}>
          <summary>
            {n + 1}. <strong>{rule.id}</strong> · {rule.effect === "deny" ? t("takes away") : t("shares")} ·{" "}
            {rule.audience.countries?.map(countryName).join(", ") ?? t("every member state")}
          </summary>
          <OneRule rule={rule} countries={countries} onChange={(changed) => put(n, changed)} />
          <button type="button" disabled={n === 0} onClick={() => move(n, n - 1)}>{t("Earlier")}</button>
          <button type="button" onClick={() => onChange(rules.filter((_, at) => at !== n))}>{t("Remove this rule")}</button>
        </details>
      ))}
      <button type="button" onClick={() => onChange([...rules, { ...EMPTY_RULE, id: `rule-${rules.length + 1}` }])}>
        {t("Add a rule")}
      </button>
    </>
  );
}

function OneRule({ rule, countries, onChange }: { rule: Rule; countries: string[]; onChange: (rule: Rule) => void }) {
  const set = (changed: { [member: string]: unknown }) => {
    const all = { ...rule, ...changed };
    onChange(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Rule);
  };
  const some = (values: string[]) => (values.length ? values : undefined);
  const audience = (changed: Record<string, string[] | undefined>) => {
    const all = { ...rule.audience, ...changed };
    set({ audience: Object.fromEntries(Object.entries(all).filter(([, value]) => value?.length)) });
  };
  const denies = rule.effect === "deny";
  const turn = (effect: string) =>
    onChange(
      effect === "deny"
        ? { id: rule.id, effect, audience: rule.audience, handling_from: rule.handling_up_to ?? "TLP:CLEAR", ...(rule.purposes ? { purposes: rule.purposes } : {}) }
        : { ...EMPTY_RULE, id: rule.id, audience: rule.audience, ...(rule.purposes ? { purposes: rule.purposes } : {}) },
    );
  return (
    <div class="grid">
      <label>
        {t("Name of the rule")}
        <input required maxLength={64} value={rule.id} onInput={(event) => set({ id: event.currentTarget.value })} />
      </label>
      <Choice title={t("Effect")} value={rule.effect} onChange={turn}>
        <option value="permit">{t("shares")}</option>
        <option value="deny">{t("takes away")}</option>
      </Choice>
      <Several title={t("Countries (none ticked: every member state)")} of={countries} called={countryName} ticked={rule.audience.countries ?? []} onChange={(given) => audience({ countries: some(given) })} />
      <Several title={t("Roles (none ticked: any)")} of={READING_ROLES} called={t} ticked={rule.audience.roles ?? []} onChange={(given) => audience({ roles: some(given) })} />
      <Several title={t("Purposes (none ticked: any)")} of={PURPOSES} called={t} ticked={rule.purposes ?? []} onChange={(given) => set({ purposes: some(given) })} />
      <Choice
        title={denies ? t("Records marked from") : t("Records marked up to")}
        value={(denies ? rule.handling_from : rule.handling_up_to) ?? ""}
        onChange={(given) => set(denies ? { handling_from: given } : { handling_up_to: given })}
      >
        {denies && <option value="">{t("any")}</option>}
        {HANDLING.map((one) => <option key={one} value={one}>{one} · {label("handling", one)}</option>)}
      </Choice>
      {!denies && (
        <>
          <Choice title={t("Gives")} value={rule.gives ?? "rows"} onChange={(given) => set({ gives: given })}>
            <option value="rows">{t("records")}</option>
            <option value="aggregates">{t("figures only")}</option>
            <option value="hits">{t("only whether there is a match")}</option>
          </Choice>
          <Choice title={t("Time, how exactly")} value={rule.time ?? "none"} onChange={(given) => set({ time: given })}>
            {Object.entries(TIME).map(([value, name]) => <option key={value} value={value}>{t(name)}</option>)}
          </Choice>
          <Choice title={t("Place, how exactly")} value={rule.place ?? "none"} onChange={(given) => set({ place: given })}>
            {Object.entries(PLACE).map(([value, name]) => <option key={value} value={value}>{t(name)}</option>)}
          </Choice>
          <label>
            {t("Days to wait after the month of the event")}
            <input type="number" min={0} max={3650} value={rule.delay_days ?? 0} onInput={(event) => set({ delay_days: Number(event.currentTarget.value) })} />
          </label>
          <Several title={t("Parts of a record")} of={FACETS} called={t} ticked={rule.facets ?? []} onChange={(given) => set({ facets: given })} />
          <Several title={t("Duties of who reads")} of={OBLIGATIONS} called={t} ticked={rule.obligations ?? []} onChange={(given) => set({ obligations: some(given) })} />
        </>
      )}
    </div>
  );
}

interface Chosen {
  title: string;
  value: string;
  onChange: (value: string) => void;
  children: ComponentChildren;
}

export const Choice = ({ title, value, onChange, children }: Chosen) => (
  <label>
    {title}
    <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {children}
    </select>
  </label>
);

interface Ticks {
  title: string;
  of: string[];
  called: (code: string) => string;
  ticked: string[];
  onChange: (ticked: string[]) => void;
}

function Several({ title, of, called, ticked, onChange }: Ticks) {
  const all = [...of, ...ticked.filter((one) => !of.includes(one))];
  return (
    <fieldset>
      <legend>{title}</legend>
      {all.map((one) => (
        <label key={one} class="check">
          <input type="checkbox" checked={ticked.includes(one)} onChange={(event) => onChange(event.currentTarget.checked ? [...ticked, one] : ticked.filter((other) => other !== one))} />
          {called(one)}
        </label>
      ))}
    </fieldset>
  );
}
