/** Agencies and keys of one's country, and every change that waits for a second key administrator. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Because } from "../because";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { href } from "../route";
import { country } from "../session";
import { t, when } from "../words";

interface Agency {
  code: string;
  type: string;
  name: string;
}

interface Key {
  kid: string;
  agency: string;
  use: string;
  roles: string[];
  not_before: string;
  not_after: string | null;
  revoked_at: string | null;
  revocation_reason: string | null;
}

interface Change {
  id: string;
  proposed_at: string;
  change: { kind: string; [member: string]: unknown };
}

interface Page<T> {
  items: T[];
  next: string | null;
}

const TYPES = ["BG", "CU", "PO", "DC", "SS", "FI", "CG", "MI", "PS", "PR", "LAB", "COURT", "OT"];

export default function Registry() {
  const [round, setRound] = useState(0);
  const again = () => setRound(round + 1);
  const agencies = useAnswer(() => get<{ items: Agency[] }>(`/v1/agencies?country=${country()}`), [round]);
  return (
    <main>
      <h1>{t("Agencies and keys")}</h1>
      <p>
        {t("What one administrator proposes, another approves; ending a key needs no second.")} <a href={href("people")}>{t("Officers and their codes")}</a>
      </p>
      <Fault of={agencies.fault} />
      <Waiting round={round} onDone={again} />
      <section>
        <h2>{t("Agencies")}</h2>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("Agency")}</th>
              <th scope="col">{t("Name")}</th>
              <th scope="col">{t("Type")}</th>
            </tr>
          </thead>
          <tbody>
            {agencies.value?.items.map(({ code, name, type }) => (
              <tr key={code}>
                <td>{code}</td>
                <td>{name}</td>
                <td>{type}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <AddAgency onDone={again} />
      </section>
      {agencies.value && <Keys agencies={agencies.value.items} round={round} onDone={again} />}
    </main>
  );
}

function Waiting({ round, onDone }: { round: number; onDone: () => void }) {
  const found = useAnswer(() => get<Page<Change>>("/v1/changes?state=proposed&limit=200"), [round]);
  const { busy, fault, run } = useDoing();
  const decide = async (id: string, what: string, given: { body?: unknown } = {}) => {
    await call("POST", `/v1/changes/${id}/${what}`, given);
    onDone();
  };
  return (
    <section>
      <h2>{t("Waiting for a second administrator")}</h2>
      <Fault of={found.fault ?? fault} />
      {found.value?.items.length === 0 && <Empty>{t("Nothing waits. Propose an agency or a key below.")}</Empty>}
      <ul class="cards">
        {found.value?.items.map(({ id, proposed_at, change: { kind, ...members } }) => (
          <li key={id} class="card waiting">
            <strong>{t(kind)}</strong> · {when(proposed_at)} UTC
            <dl class="facts">
              {Object.entries(members).map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{typeof value === "string" ? value : JSON.stringify(value)}</dd>])}
            </dl>
            <button disabled={busy} onClick={() => run(() => decide(id, "approval"))}>{t("Approve")}</button>
            <Because
              title={t("Reject or withdraw")}
              question={t("Why it shall not be")}
              most={200}
              button={t("Reject or withdraw")}
              act={(reason) => decide(id, "rejection", { body: { reason } })}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

function AddAgency({ onDone }: { onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const given = Object.fromEntries(new FormData(form));
    void run(async () => {
      await call("POST", "/v1/changes", { body: { change: { kind: "add-agency", ...given } } });
      form.reset();
      onDone();
    });
  };
  return (
    <details>
      <summary>{t("Propose an agency")}</summary>
      <form class="ask" onSubmit={submit}>
        <label>
          {t("Code")} <input name="code" required pattern={`${country()}-[A-Z0-9]{2,12}`} placeholder={`${country()}-BG`} />
        </label>
        <label>
          {t("Name")} <input name="name" required maxLength={200} />
        </label>
        <label>
          {t("Type")}
          <select name="type">
            {TYPES.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        </label>
        <button disabled={busy}>{t("Propose")}</button>
        <Fault of={fault} />
      </form>
    </details>
  );
}

function Keys({ agencies, round, onDone }: { agencies: Agency[]; round: number; onDone: () => void }) {
  const [agency, setAgency] = useState(agencies[0]?.code ?? "");
  const [ended, setEnded] = useState(false);
  const path = `/v1/keys?agency=${agency}&limit=200`;
  const found = useAnswer(() => get<Page<Key>>(path), [path, round]);
  const now = new Date();
  const ends = (key: Key) => key.revoked_at ?? (key.not_after && new Date(key.not_after) < now ? key.not_after : null);
  const shown = found.value?.items.filter((key) => ended || !ends(key)) ?? [];
  return (
    <section>
      <h2>{t("Keys")}</h2>
      <div class="filters">
        <label>
          {t("Agency")}
          <select value={agency} onChange={(event) => setAgency(event.currentTarget.value)}>
            {agencies.map(({ code, name }) => <option key={code} value={code}>{code} · {name}</option>)}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={ended} onChange={(event) => setEnded(event.currentTarget.checked)} /> {t("Also those that ended")}
        </label>
      </div>
      <Fault of={found.fault} />
      {found.value && shown.length === 0 && <Empty>{t("No key of this agency is in force. Propose one below: its holder makes it and proves that it holds it.")}</Empty>}
      <ul class="cards">
        {shown.map((key) => (
          <li key={key.kid} class={ends(key) ? "card" : "card accepted"}>
            <code>{key.kid}</code>
            <p>
              {t(key.use)}
              {key.roles.length > 0 && ` · ${key.roles.map((role) => t(role)).join(", ")}`}
            </p>
            <p>
              {t("since {day}", { day: when(key.not_before) })}
              {key.not_after && ` · ${t("until {day}", { day: when(key.not_after) })}`}
              {key.revoked_at && ` · ${t("Ended {day}", { day: when(key.revoked_at) })}: ${key.revocation_reason}`}
            </p>
            {!ends(key) && <Revoke kid={key.kid} onDone={onDone} />}
          </li>
        ))}
      </ul>
      <EnrolKeys onDone={onDone} />
    </section>
  );
}

function Revoke({ kid, onDone }: { kid: string; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const [reason, setReason] = useState("");
  return (
    <details>
      <summary>{t("End this key")}</summary>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await call("POST", `/v1/keys/${kid}/revocation`, { body: { reason } });
            onDone();
          });
        }}
      >
        <label>
          {t("Reason")}
          <input required maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("End now")}</button>
        <Fault of={fault} />
      </form>
    </details>
  );
}

/** What the holder's command printed carries the proof that it holds each key. */
function EnrolKeys({ onDone }: { onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const [printed, setPrinted] = useState("");
  return (
    <details>
      <summary>{t("Propose keys")}</summary>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            for (const change of read(printed)) await call("POST", "/v1/changes", { body: { change } });
            setPrinted("");
            onDone();
          });
        }}
      >
        <label>
          {t("What the holder's command “sarhad keys request” printed")}
          <textarea required rows={8} spellcheck={false} value={printed} onInput={(event) => setPrinted(event.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("Propose these keys")}</button>
        <Fault of={fault} />
      </form>
    </details>
  );
}

function read(printed: string): unknown[] {
  try {
    return [JSON.parse(printed)].flat();
  } catch {
    throw new Error(t("This is no JSON. Paste all that the command printed."));
  }
}
