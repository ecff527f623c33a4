/** The kill switch: what it stops is said before it is pulled, and a second officer undoes it. */

import { useState } from "preact/hooks";
import { call, get } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { country, holds } from "../session";
import { countryName, t, when } from "../words";

interface Suspension {
  id: string;
  of_agency: string | null;
  towards_country: string | null;
  towards_agency: string | null;
  towards_key: string | null;
  reason: string;
  created_at: string;
  lifted: { at: string } | null;
}

interface Agency {
  code: string;
  country: string;
  name: string;
}

type Reach = Partial<Pick<Suspension, "of_agency" | "towards_country" | "towards_agency" | "towards_key">>;

/** Who stops seeing what. */
function reach({ of_agency, towards_country, towards_agency, towards_key }: Reach): string {
  const who = towards_agency ?? (towards_country ? countryName(towards_country) : towards_key ? t("the holder of key {key}", { key: towards_key.slice(0, 8) }) : t("everyone outside your country"));
  return of_agency
    ? t("{who} sees nothing of the records of {agency}", { who, agency: of_agency })
    : t("{who} sees nothing of your country's records", { who });
}

export function Stop() {
  const [round, setRound] = useState(0);
  const found = useAnswer(() => get<{ items: Suspension[] }>("/v1/suspensions?limit=100"), [round]);
  const again = () => setRound(round + 1);
  return (
    <>
      <Fault of={found.fault} />
      {holds("policy_officer") && <Order onDone={again} />}
      <h2>{t("What was stopped")}</h2>
      {found.value?.items.length === 0 && <Empty>{t("Nothing was ever stopped. All is shared as the policy says.")}</Empty>}
      <ul class="cards">
        {found.value?.items.map((one) => (
          <li key={one.id} class={one.lifted ? "card" : "card refused"}>
            <strong>{reach(one)}</strong>
            <p>
              {when(one.created_at)} UTC · {one.reason}
            </p>
            {one.lifted ? <p>{t("Shared again since {day}", { day: when(one.lifted.at) })}</p> : holds("policy_officer") && <Lift id={one.id} onDone={again} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Order({ onDone }: { onDone: () => void }) {
  const agencies = useAnswer(() => get<{ items: Agency[] }>("/v1/agencies"), []);
  const { busy, fault, run } = useDoing();
  const [towards, setTowards] = useState("");
  const [of, setOf] = useState("");
  const [reason, setReason] = useState("");
  const items = agencies.value?.items ?? [];
  const foreign = items.filter((one) => one.country !== country());
  const countries = [...new Set(foreign.map((one) => one.country))];
  const order: Reach = {
    ...(of ? { of_agency: of } : {}),
    ...(towards.length === 2 ? { towards_country: towards } : towards ? { towards_agency: towards } : {}),
  };
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => {
          await call("POST", "/v1/suspensions", { body: { ...order, reason } });
          setReason("");
          onDone();
        });
      }}
    >
      <h2>{t("Stop sharing at once")}</h2>
      <label>
        {t("Towards whom")}
        <select value={towards} onChange={(event) => setTowards(event.currentTarget.value)}>
          <option value="">{t("everyone outside your country")}</option>
          {countries.map((code) => (
            <optgroup key={code} label={countryName(code)}>
              <option value={code}>{countryName(code)}</option>
              {foreign.filter((one) => one.country === code).map((one) => (
                <option key={one.code} value={one.code}>{one.code} · {one.name}</option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      <label>
        {t("Whose records")}
        <select value={of} onChange={(event) => setOf(event.currentTarget.value)}>
          <option value="">{t("all of your country")}</option>
          {items.filter((one) => one.country === country()).map((one) => (
            <option key={one.code} value={one.code}>{one.code} · {one.name}</option>
          ))}
        </select>
      </label>
      <label>
        {t("Reason")}
        <textarea required maxLength={2000} rows={2} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <p role="status">
        {t("From the next request on: {what}. What was read before stays read. Another officer undoes it.", { what: reach(order) })}
      </p>
      <button class="main" disabled={busy}>{t("Stop now")}</button>
      <Fault of={agencies.fault ?? fault} />
    </form>
  );
}

function Lift({ id, onDone }: { id: string; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const [reason, setReason] = useState("");
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        void run(async () => {
          await call("POST", `/v1/suspensions/${id}/lifting`, { body: { reason } });
          onDone();
        });
      }}
    >
      <label>
        {t("Why sharing goes on")}
        <input required maxLength={2000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button disabled={busy}>{t("Undo: share again")}</button>
      <Fault of={fault} />
    </form>
  );
}
