/** What the service says of an analysis while it is written: what is met, what is missing, what exceeds the evidence. */

import { useEffect, useState } from "preact/hooks";
import { call, type Problem as Refusal, Refused } from "../api";
import { Told, Warned, why } from "../parts";
import { type Facets } from "../records";
import { t } from "../words";
import { place } from "./sheet";

export interface Problem extends Refusal {
  scheme?: Scheme;
  errors?: { detail: string; pointer?: string }[];
}

interface Scheme {
  part: string;
  met: boolean;
  missing: string[];
}

export interface Verdict {
  problem?: Problem;
  warnings?: { type: string; pointer: string; detail: string }[];
  derived?: {
    findings?: { line: number; substance: string | null; scheme?: Scheme }[];
    sampling?: { exhibit: number; proportion: string; confidence: string; claimed: string }[];
  };
}

const PAUSE = 400; // ms without a key pressed

export async function judge(analyses: Facets[]): Promise<Verdict[]> {
  return (await call<{ items: Verdict[] }>("POST", "/v1/analyses/check", { body: { analyses } })).items;
}

/** The verdict on what is written, a moment after it was; none while the service cannot be asked. */
export function useVerdict(make: () => Promise<Facets>, about: unknown): { verdict: Verdict | null; fault: unknown } {
  const [found, setFound] = useState<{ verdict: Verdict | null; fault: unknown }>({ verdict: null, fault: null });
  useEffect(() => {
    let newest = true;
    const waiting = setTimeout(() => {
      make()
        .then((facets) => judge([facets]))
        .then(
          ([verdict]) => newest && setFound({ verdict: verdict ?? null, fault: null }),
          (fault: unknown) => newest && setFound({ verdict: null, fault }),
        );
    }, PAUSE);
    return () => {
      newest = false;
      clearTimeout(waiting);
    };
  }, [about]);
  return found;
}

export function faultsOf(verdict: Verdict | null): Map<string, string> {
  const problem = verdict?.problem;
  const all = problem ? [problem, ...(problem.errors ?? [])] : [];
  return new Map(all.flatMap(({ pointer, detail }) => (pointer ? [[pointer, detail] as const] : [])));
}

/** To the field that a pointer names, or the nearest around it. */
function jump(pointer: string): void {
  for (let at = pointer; at; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = document.getElementById(place(at));
    if (!found) continue;
    for (let around = found.closest("details"); around; around = around.parentElement?.closest("details") ?? null) around.open = true;
    found.focus();
    return found.scrollIntoView({ block: "center" });
  }
}

const At = ({ pointer }: { pointer: string | undefined }) =>
  pointer ? <button type="button" onClick={() => jump(pointer)}>{t("Go to it")}</button> : null;

export function Said({ verdict, fault }: { verdict: Verdict | null; fault: unknown }) {
  const problem = verdict?.problem;
  const schemes = (verdict?.derived?.findings ?? []).filter((one) => one.scheme);
  const short = (verdict?.warnings ?? []).length > 0;
  const look = problem ? "wrong" : !verdict ? "" : short ? "short" : "met";
  return (
    <section class={`verdict ${look}`} id="verdict" aria-live="polite" aria-label={t("What the evidence amounts to")}>
      <h2>{t("What the evidence amounts to")}</h2>
      {!verdict && !fault && <p>{t("Asking the service …")}</p>}
      {Boolean(fault) && <p class="fault"><Told of={why(fault)} />{fault instanceof Refused && ` ${t("You can go on writing.")}`}</p>}
      {problem && <Wrong problem={problem} />}
      {schemes.length > 0 && (
        <ul>
          {schemes.map(({ line, substance, scheme }) => (
            <li key={line}>
              {t("Finding {n}", { n: line })}{substance ? ` · ${substance}` : ""}: <Amounts of={scheme} />
            </li>
          ))}
        </ul>
      )}
      {(verdict?.derived?.sampling ?? []).map((drawn) => (
        <p key={drawn.exhibit}>
          {t("Exhibit {n}: at least {proportion} are positive with confidence {confidence}; claimed is {claimed}.", { n: drawn.exhibit, proportion: drawn.proportion, confidence: drawn.confidence, claimed: drawn.claimed })}
        </p>
      ))}
      {short && (
        <>
          <p><strong>{t("It will be accepted, but look again")}</strong></p>
          <ul>
            {verdict?.warnings?.map((one) => (
              <li key={one.type + one.pointer}><Warned of={one} /> <At pointer={one.pointer} /></li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

const Amounts = ({ of }: { of: Scheme | undefined }) =>
  of?.met ? <strong>{t("SWGDRUG {part} is met", { part: of.part })}</strong> : <>{t("SWGDRUG {part} is not met; missing: {missing}", { part: of?.part ?? "", missing: of?.missing.map((one) => t(one)).join("; ") ?? "" })}</>;

/** What stands in the way of filing, in the service's words: a claim beyond the evidence, or what is not complete. */
export function Wrong({ problem }: { problem: Problem }) {
  const beyond = problem.type.endsWith("-unsupported");
  const others = (problem.errors ?? []).slice(1);
  return (
    <>
      <p>
        <strong>{beyond ? t("This claims more than the evidence bears") : t("Not ready to be filed")}</strong>
      </p>
      <ul>
        <li><Told of={problem} /> <At pointer={problem.pointer} /></li>
        {others.map((one) => <li key={one.pointer}><span lang="en">{one.detail}</span> <At pointer={one.pointer} /></li>)}
        {problem.scheme && !problem.scheme.met && <li><Amounts of={problem.scheme} /></li>}
      </ul>
    </>
  );
}
