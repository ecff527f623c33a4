/** What would come of a report, told while it is written: what is wrong with it, what it weighs, whether it stands already. */

import { useEffect, useState } from "preact/hooks";
import { call, get, NoLink, purpose, Refused } from "../api";
import { Told, useAnswer, Warned } from "../parts";
import { type Draft, type Facets, withLadders } from "../records";
import { href } from "../route";
import { session } from "../session";
import { PURPOSES } from "../purpose";
import { Facet } from "../facet";
import { countryName, number, t, when } from "../words";
import { first } from "./facets";

interface Same {
  id: string;
  agency: string;
  facets: Record<string, unknown>;
}

interface Foreseen {
  country: string;
  purpose: string;
  rows: boolean;
  facets: string[];
  counted: boolean;
  since: string | null;
}

interface Verdict {
  problem: { title: string; detail: string } | null;
  warnings: { type: string; pointer: string; detail: string }[];
  derived: { items: { line: number; kg: string | null; rule: string }[] } | null;
  foreseen: Foreseen[];
}

interface Told {
  verdict: Verdict | null;
  same: Same[];
  facets: Facets;
  fault?: unknown;
}

const PAUSE = 500; // ms without anything written
const NOTHING: Told = { verdict: null, same: [], facets: {} };

/** The service judges what stands there as if it was filed, and tells whom what of it would be given. Nothing is signed. */
async function judged(draft: Draft): Promise<Omit<Told, "same">> {
  const facets = await withLadders(draft.facets);
  return { facets, verdict: await call<Verdict>("POST", "/v1/seizures/check", { body: { handling: draft.handling, facets } }) };
}

/** Reports of one's own country of the same day and substance. */
async function sameDay({ id, agency, facets }: Draft): Promise<Same[]> {
  const day = String(facets["when.instant"] ?? facets["when.day"] ?? "").slice(0, 10);
  const substance = first(facets)?.substance;
  if (!substance || !day) return [];
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  const asked = new URLSearchParams({ owner: agency.slice(0, 2), from: day, to: next, substance, limit: "5" });
  const { items } = await get<{ items: Same[] }>(`/v1/seizures?${asked}`);
  return items.filter((one) => one.id !== id);
}

export function useCheck(draft: Draft | null): Told {
  const [said, setSaid] = useState<Told>(NOTHING);
  const about = draft && JSON.stringify({ ...draft, facets: { ...draft.facets, reported: "" } });
  useEffect(() => {
    let newest = true;
    const waiting = setTimeout(() => {
      if (!draft) return setSaid(NOTHING);
      Promise.all([judged(draft), sameDay(draft)]).then(
        ([judgement, same]) => newest && setSaid({ ...judgement, same }),
        (fault: unknown) => newest && setSaid({ ...NOTHING, fault }),
      );
    }, PAUSE);
    return () => {
      newest = false;
      clearTimeout(waiting);
    };
  }, [about, purpose.value]);
  return said;
}

export function Check({ told: { verdict, same, fault, facets } }: { told: Told }) {
  const weighed = (verdict?.derived?.items ?? []).flatMap(({ kg, rule }) => (kg ? [`${number(kg)} kg (${t("rule")}: ${rule})`] : []));
  return (
    <section class="field" aria-live="polite" aria-label={t("Before you sign")}>
      <h2>{t("Before you sign")}</h2>
      {!verdict && !fault && <p class="empty">{t("As soon as the substance and the quantity stand, you read here what would come of it.")}</p>}
      {fault instanceof NoLink && <p>{t("No link: it is judged when it is sent, and waits here until then.")}</p>}
      {fault instanceof Refused && <p class="fault"><Told of={fault.problem} /></p>}
      {verdict?.problem && <p class="fault"><Told of={verdict.problem} /></p>}
      {verdict && !verdict.problem && <p>{[t("It would be accepted."), ...weighed].join(" ")}</p>}
      {same.length > 0 && (
        <>
          <p><strong>{t("Is it reported already? Of that day and substance stands:")}</strong></p>
          <ul>
            {same.map((one) => (
              <li key={one.id}>
                <a href={href(`record/${one.id}`)}>{one.agency} · {when(String(one.facets["when.instant"] ?? ""))}</a> {amount(one.facets)}
              </li>
            ))}
          </ul>
        </>
      )}
      {verdict && verdict.warnings.length > 0 && <ul>{verdict.warnings.map((one) => <li key={one.type + one.pointer}><Warned of={one} /></li>)}</ul>}
      {verdict && !verdict.problem && <Seen by={verdict.foreseen} facets={facets} />}
    </section>
  );
}

/** The report as analysts of a neighbour would be given it, for a purpose that they sign. */
function Seen({ by, facets }: { by: Foreseen[]; facets: Facets }) {
  const [country, setCountry] = useState("");
  const [reason, setReason] = useState("operational");
  const countries = useAnswer(() => get<{ items: { code: string }[] }>("/v1/countries"), []).value?.items ?? [];
  const others = countries.map(({ code }) => code).filter((code) => code !== session.value?.agency.slice(0, 2));
  const given = by.find((one) => one.country === country && one.purpose === reason);
  return (
    <>
      <h3>{t("As a neighbour will see it")}</h3>
      <div class="filters">
        <label>
          {t("Country that reads")}
          <select value={country} onChange={(event) => setCountry(event.currentTarget.value)}>
            <option value="">{t("choose one")}</option>
            {others.map((code) => <option key={code} value={code}>{countryName(code)}</option>)}
          </select>
        </label>
        <label>
          {t("For which purpose")}
          <select value={reason} onChange={(event) => setReason(event.currentTarget.value)}>
            {PURPOSES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
          </select>
        </label>
      </div>
      {country && <p>{given ? extent(given) : t("Its analysts would see nothing of it.")} <small>{t("An agency that a rule of your country names by itself, and other roles than analysts, may be given more or less.")}</small></p>}
      {given?.since && <p>{t("Not before {day}.", { day: when(given.since) })}</p>}
      {given && given.facets.length > 0 && (
        <dl class="facts">
          {given.facets.map((facet) => <Facet key={facet} name={facet} value={facets[facet]} />)}
        </dl>
      )}
    </>
  );
}

/** How far it would be given, in words; nothing where its facets say it. */
function extent({ rows, facets, counted }: Foreseen): string {
  if (rows) return facets.length > 0 ? "" : t("That there is a report, its agency and its label would be given, and nothing that it says.");
  return counted ? t("It would count in figures only.") : t("Only that there is a match would be told.");
}

function amount(facets: Record<string, unknown>): string {
  const reported = first(facets)?.reported;
  return reported ? `${reported.substance} ${number(reported.quantity)} ${reported.unit}` : "";
}
