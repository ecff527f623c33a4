/** Before anything takes effect: see one's own records as somebody else would, and count who would gain or lose what. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Empty, Fault, Told, useAnswer, useDoing } from "../parts";
import { route } from "../route";
import { country } from "../session";
import { countryName, t } from "../words";
import { place, time } from "../views/records";
import { Choice } from "./form";
import { type Overview, path, PURPOSES, READING_ROLES } from "./shapes";

type Under = { draft: string } | { version: number } | Record<string, never>;

interface Shown {
  id: string;
  kind: string;
  facets: Record<string, unknown>;
}

interface Tally {
  newly: number;
  lost: number;
}

interface Effect {
  country: string;
  agency: string | null;
  roles: string[];
  purposes: string[];
  records: Tally & { before: number; after: number };
  facets: Record<string, Tally>;
  counted?: Tally;
  hits?: Tally;
}

export function Trial({ of }: { of: Overview }) {
  const drafts = useAnswer(() => get<{ items: { id: string; name: string }[] }>(path("/drafts")), [path()]);
  const [chosen, setChosen] = useState(route.value.query.get("draft") ?? (of.proposed ? String(of.proposed.version) : ""));
  const under: Under = !chosen ? {} : /^\d+$/.test(chosen) ? { version: Number(chosen) } : { draft: chosen };
  return (
    <>
      <Fault of={drafts.fault} />
      <div class="filters">
        <Choice title={t("Which policy")} value={chosen} onChange={setChosen}>
          <option value="">{t("what is in force")}</option>
          {of.proposed && <option value={of.proposed.version}>{t("version {n}, proposed", { n: of.proposed.version })}</option>}
          {drafts.value?.items.map((draft) => <option key={draft.id} value={draft.id}>{t("draft: {name}", { name: draft.name })}</option>)}
        </Choice>
      </div>
      <Preview key={`p${chosen}`} under={under} />
      {chosen ? <Simulation key={`s${chosen}`} under={under} /> : <Empty>{t("Choose a draft or a proposal above to simulate what it would change.")}</Empty>}
    </>
  );
}

interface Answer {
  status: number;
  body: { items?: Shown[]; title?: string; detail?: string } & Partial<Shown>;
}

function Preview({ under }: { under: Under }) {
  const agencies = useAnswer(() => get<{ items: { code: string; country: string; name: string }[] }>("/v1/agencies"), []);
  const foreign = agencies.value?.items.filter((one) => one.country !== country()) ?? [];
  const [agency, setAgency] = useState("");
  const [role, setRole] = useState("analyst");
  const [purpose, setPurpose] = useState("operational");
  const [record, setRecord] = useState("");
  const [answer, setAnswer] = useState<Answer | null>(null);
  const { busy, fault, run } = useDoing();
  const ask = () =>
    run(async () => {
      setAnswer(null);
      const eyes = { country: agency.slice(0, 2), agency, roles: [role], purpose };
      const question = record ? { path: `/v1/seizures/${record}` } : { path: "/v1/seizures", params: { limit: "20" } };
      setAnswer(await call<Answer>("POST", path("/preview"), { body: { ...under, as: eyes, question } }));
    });
  return (
    <section>
      <h2>{t("See it as somebody else")}</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <label>
          {t("Agency that reads")}
          <select required value={agency} onChange={(event) => setAgency(event.currentTarget.value)}>
            <option value="">{t("choose one")}</option>
            {foreign.map((one) => <option key={one.code} value={one.code}>{one.code} · {one.name}</option>)}
          </select>
        </label>
        <Choice title={t("Role")} value={role} onChange={setRole}>
          {READING_ROLES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
        </Choice>
        <Choice title={t("Purpose")} value={purpose} onChange={setPurpose}>
          {PURPOSES.map((one) => <option key={one} value={one}>{t(one)}</option>)}
        </Choice>
        <label>
          {t("One record, by its id (else the newest 20)")}
          <input pattern="[0-9a-f\-]{36}" value={record} onInput={(event) => setRecord(event.currentTarget.value.trim())} />
        </label>
        <button disabled={busy}>{t("Preview")}</button>
      </form>
      <Fault of={agencies.fault ?? fault} />
      {answer && <Seen answer={answer} agency={agency} />}
    </section>
  );
}

function Seen({ answer, agency }: { answer: Answer; agency: string }) {
  const { title = "", detail = "" } = answer.body;
  if (answer.status !== 200) return <p role="status">{t("{agency} would be told:", { agency })} <Told of={{ title, detail }} /></p>;
  const shown = answer.body.items ?? [answer.body as Shown];
  if (shown.length === 0) return <p role="status">{t("{agency} would see none of your records.", { agency })}</p>;
  return (
    <>
      <p role="status">{t("{agency} would see this, and nothing more:", { agency })}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("Record")}</th>
            <th scope="col">{t("When")}</th>
            <th scope="col">{t("Where")}</th>
            <th scope="col">{t("Parts of a record")}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((record) => (
            <tr key={record.id}>
              <td><code>{record.id.slice(0, 8)}</code></td>
              <td>{time(record.facets)}</td>
              <td>{place(record.facets)}</td>
              <td>{Object.keys(record.facets).map((name) => t(name)).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <details>
        <summary>{t("The answer itself")}</summary>
        <pre tabindex={0}>{JSON.stringify(answer.body, null, 2)}</pre>
      </details>
    </>
  );
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

function Simulation({ under }: { under: Under }) {
  const now = new Date();
  const [from, setFrom] = useState(day(new Date(Date.UTC(now.getUTCFullYear() - 1, now.getUTCMonth(), now.getUTCDate()))));
  const [to, setTo] = useState(day(new Date(now.getTime() + 86_400_000)));
  const [found, setFound] = useState<{ records: number; audiences: number; changes: Effect[] } | null>(null);
  const { busy, fault, run } = useDoing();
  return (
    <section>
      <h2>{t("Who would gain or lose what")}</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            setFound(null);
            setFound(await call("POST", path("/simulation"), { body: { ...under, from, to } }));
          });
        }}
      >
        <label>
          {t("From")} <input type="date" required value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label>
          {t("Until, not included")} <input type="date" required value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("Simulate")}</button>
      </form>
      <Fault of={fault} />
      {found && (
        <p role="status">
          {t("{records} records of this time, {audiences} kinds of readers; it changes something for {n}.", { records: found.records, audiences: found.audiences, n: found.changes.length })}
        </p>
      )}
      {found && found.changes.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{t("Who")}</th>
              <th scope="col">{t("Purpose")}</th>
              <th scope="col">{t("Newly visible records")}</th>
              <th scope="col">{t("Lost records")}</th>
              <th scope="col">{t("Parts of a record")}</th>
            </tr>
          </thead>
          <tbody>
            {found.changes.map((one, n) => (
              <tr key={n}>
                <td>{one.agency ?? countryName(one.country)} · {one.roles.map((role) => t(role)).join(", ")}</td>
                <td>{one.purposes.map((purpose) => t(purpose)).join(", ")}</td>
                <td data-head={t("Newly visible records")}>{one.records.newly}</td>
                <td data-head={t("Lost records")}>{one.records.lost}</td>
                <td>{parts(one)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

const parts = ({ facets, counted, hits }: Effect): string =>
  [
    ...Object.entries(facets).map(([name, tally]) => [t(name), tally] as const),
    ...(counted ? [[t("figures only"), counted] as const] : []),
    ...(hits ? [[t("only whether there is a match"), hits] as const] : []),
  ]
    .map(([name, { newly, lost }]) => `${name} +${newly} −${lost}`)
    .join("; ");
