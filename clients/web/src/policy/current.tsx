/** What is in force, what comes next, and what waits for a second officer. */

import { useState } from "preact/hooks";
import { call } from "../api";
import { Empty, Fault, useDoing } from "../parts";
import { href } from "../route";
import { holds } from "../session";
import { t, when } from "../words";
import { approve } from "./decide";
import { Difference, InWords } from "./said";
import { type Full, type Overview, owner, path } from "./shapes";

export function Current({ of, onDone }: { of: Overview; onDone: () => void }) {
  const { in_force, next, proposed } = of;
  return (
    <>
      {proposed && <Proposal key={proposed.version} of={proposed} onDone={onDone} />}
      {next && (
        <section>
          <h2>{t("Version {n} takes effect on {day}", { n: next.version, day: when(next.effective ?? "") })}</h2>
          <Difference to={next.version} />
        </section>
      )}
      <section>
        <h2>{t("In force")}</h2>
        {in_force ? (
          <InWords version={in_force} />
        ) : (
          <Empty>
            {t("No policy is in force: nobody outside your country sees its records. Begin with a draft.")}{" "}
            {holds("policy_officer") && <a href={href("policy/drafts", { owner: owner() })}>{t("Drafts")}</a>}
          </Empty>
        )}
      </section>
    </>
  );
}

function Proposal({ of, onDone }: { of: Full; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const [reason, setReason] = useState("");
  return (
    <section class="card waiting">
      <h2>{t("Version {n} waits for a second officer", { n: of.version })}</h2>
      <p>{t("Proposed {day}. Without a decision it lapses {end}.", { day: when(of.proposed.at), end: when(of.lapses ?? "") })}</p>
      <h3>{t("What it changes")}</h3>
      <Difference to={of.version} />
      <h3>{t("The whole of it")}</h3>
      <InWords version={of} />
      {holds("policy_officer") && (
        <>
          <p>{t("To approve, your passkey is asked again: it signs the hash of this document and of no other.")}</p>
          <p><code>SHA-256 {of.sha256}</code></p>
          <button
            class="main"
            disabled={busy}
            onClick={() =>
              run(async () => {
                await approve(of);
                onDone();
              })
            }
          >
            {t("Approve with my passkey")}
          </button>
          <form
            class="ask"
            onSubmit={(event) => {
              event.preventDefault();
              void run(async () => {
                await call("POST", path(`/proposals/${of.version}/rejection`), { body: { reason } });
                onDone();
              });
            }}
          >
            <label>
              {t("Why it shall not be")}
              <input required maxLength={2000} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
            </label>
            <button disabled={busy}>{t("Reject or withdraw")}</button>
          </form>
          <Fault of={fault} />
        </>
      )}
    </section>
  );
}
