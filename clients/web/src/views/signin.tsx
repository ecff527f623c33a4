/** Enrol a passkey with a code, and sign in with it. */

import { useState } from "preact/hooks";
import { Fault, useDoing } from "../parts";
import { enrol, signIn } from "../session";
import { t } from "../words";

export function SignIn() {
  const [code, setCode] = useState("");
  const [fresh, setFresh] = useState(false);
  const { busy, fault, run } = useDoing();
  return (
    <main class="narrow">
      <h1>{t("Sign in")}</h1>
      <p>{t("A passkey on this device, or on your phone, opens the console for a working day. Nothing else is stored.")}</p>
      <button class="main" disabled={busy} onClick={() => run(signIn)}>
        {t("Sign in with a passkey")}
      </button>
      <Fault of={fault} />
      <hr />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await enrol(code);
            setCode("");
            setFresh(true);
          });
        }}
      >
        <h2>{t("First time here")}</h2>
        <label>
          {t("Enrolment code, in full")}
          <input name="code" autocomplete="one-time-code" spellcheck={false} required value={code} onInput={(e) => setCode(e.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("Enrol a passkey")}</button>
        {fresh && <p role="status">{t("The passkey is enrolled. You can sign in with it now.")}</p>}
      </form>
    </main>
  );
}
