/** The officers of one's country: propose one, approve a proposal, hand out a code, end one. Two administrators add. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Because } from "../because";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { counted, t, when } from "../words";

interface Person {
  id: string;
  agency: string;
  handle: string;
  roles: string[];
  passkeys: number;
  identities: number;
  ended_at: string | null;
  end_reason: string | null;
}

interface Change {
  id: string;
  proposed_by: string;
  change: { kind: string; agency?: string; handle?: string; roles?: string[] };
}

const ROLES = ["reporter", "laboratory", "analyst", "policy_officer", "auditor", "key_administrator"];

export function People() {
  const [round, setRound] = useState(0);
  const [code, setCode] = useState<{ code: string; handle: string; expires_at: string } | null>(null);
  const people = useAnswer(() => get<{ items: Person[] }>("/v1/people?limit=200"), [round]);
  const changes = useAnswer(() => get<{ items: Change[] }>("/v1/changes?state=proposed&limit=200"), [round]);
  const { busy, fault, run } = useDoing();
  const again = async (done: Promise<unknown>) => {
    await done;
    setRound(round + 1);
  };
  const done = (work: () => Promise<unknown>) => run(() => again(work()));
  const pending = changes.value?.items.filter(({ change }) => change.kind === "add-person") ?? [];
  return (
    <main>
      <h1>{t("Officers who sign in")}</h1>
      <Fault of={people.fault ?? changes.fault ?? fault} />
      {code && (
        <p class="code" role="status" ref={(place) => place?.scrollIntoView({ block: "nearest" })}>
          {t("Half of a code for {handle}, until {day}. It is shown once; hand it over in person or by telephone. Another administrator issues the other half.", { handle: code.handle, day: when(code.expires_at) })}
          <output>{code.code}</output>
        </p>
      )}
      {people.value?.items.length === 0 && <Empty>{t("Nobody yet. Propose an officer below; a second key administrator approves it.")}</Empty>}
      <ul class="cards">
        {people.value?.items.map((person) => (
          <li key={person.id} class="card">
            <strong>{person.agency}/{person.handle}</strong> · {person.roles.map((role) => t(role)).join(", ")}
            <p>{person.ended_at ? `${t("Ended {day}", { day: when(person.ended_at) })}: ${person.end_reason}` : enrolled(person)}</p>
            {!person.ended_at && (
              <>
                <button disabled={busy} onClick={() => run(async () => setCode(await call("POST", `/v1/people/${person.id}/code`)))}>
                  {t("New code")}
                </button>
                <Because
                  title={t("End this officer's access")}
                  happens={t("This officer signs in no more, and open sessions end with the next request.")}
                  question={t("Reason")}
                  most={200}
                  button={t("End now")}
                  act={(reason) => again(call("POST", `/v1/people/${person.id}/end`, { body: { reason } }))}
                />
                {person.identities > 0 && (
                  <Because
                    title={t("End sign-in by the provider")}
                    happens={t("This officer signs in by the provider no more until enrolled again with a new code, and open sessions end with the next request.")}
                    button={t("End now")}
                    act={() => again(call("DELETE", `/v1/people/${person.id}/identities`))}
                  />
                )}
              </>
            )}
          </li>
        ))}
        {pending.map(({ id, change }) => (
          <li key={id} class="card waiting">
            <strong>{change.agency}/{change.handle}</strong> · {change.roles?.map((role) => t(role)).join(", ")}
            <p>{t("Proposed; another key administrator approves it.")}</p>
            <button disabled={busy} onClick={() => done(() => call("POST", `/v1/changes/${id}/approval`))}>
              {t("Approve")}
            </button>
          </li>
        ))}
      </ul>
      <Propose busy={busy} onPropose={(change) => done(() => call("POST", "/v1/changes", { body: { change } }))} />
    </main>
  );
}

/** By what the officer signs in. */
function enrolled({ passkeys, identities }: Person): string {
  const keys = counted("{n} passkey", "{n} passkeys", passkeys);
  return identities ? `${keys} · ${counted("{n} identity of the provider", "{n} identities of the provider", identities)}` : keys;
}

function Propose({ busy, onPropose }: { busy: boolean; onPropose: (change: unknown) => Promise<void> }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const given = new FormData(form);
    const [agency, handle] = [given.get("agency"), given.get("handle")];
    void onPropose({ kind: "add-person", agency, handle, roles: given.getAll("role") }).then(() => form.reset());
  };
  return (
    <form class="ask" onSubmit={submit}>
      <h2>{t("Propose an officer")}</h2>
      <label>
        {t("Agency")} <input name="agency" required pattern="[A-Z]{2}-[A-Z0-9]{2,12}" placeholder="TJ-BG" />
      </label>
      <label>
        {t("Handle of the post, never a name")} <input name="handle" required pattern="[a-z0-9][a-z0-9\-]{1,39}" placeholder="shift-2" />
      </label>
      <fieldset>
        <legend>{t("Roles")}</legend>
        {ROLES.map((role) => (
          <label key={role} class="check">
            <input type="checkbox" name="role" value={role} /> {t(role)}
          </label>
        ))}
      </fieldset>
      <button disabled={busy}>{t("Propose")}</button>
    </form>
  );
}
