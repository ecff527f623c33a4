/** Enrol a passkey, or whom the country's provider identifies, with a code; and sign in with it. */

import { useEffect, useState } from "preact/hooks";
import { Fault, useDoing } from "../parts";
import { comeBack, enrol, leave, type Provider, providers, signIn } from "../session";
import { countryName, t } from "../words";

/** What a provider said in the address, which is read once and not kept there. */
let said: URLSearchParams | undefined = new URLSearchParams(location.search);
if (said.has("state")) history.replaceState(null, "", location.pathname + location.hash);
else said = undefined;

export function SignIn() {
  const [code, setCode] = useState("");
  const [fresh, setFresh] = useState("");
  const [known, setKnown] = useState<Provider[]>([]);
  const { busy, fault, run } = useDoing();
  useEffect(() => {
    providers().then(setKnown, () => setKnown([])); // without a link nobody signs in anyway
    const answer = said;
    said = undefined;
    if (answer) void run(async () => setFresh(words(await comeBack(answer))));
    else void comeBack();
    const back = ({ persisted }: PageTransitionEvent) => void (persisted && comeBack()); // by the button of the browser
    addEventListener("pageshow", back);
    return () => removeEventListener("pageshow", back);
  }, []);
  const enrolment = (at?: Provider) => run(async () => {
    if (at) await leave(at.country, code);
    else await enrol(code);
    setCode("");
    if (!at) setFresh(t("The passkey is enrolled. You can sign in with it now."));
  });
  return (
    <main class="narrow">
      <h1>{t("Sign in")}</h1>
      <p>{t("A passkey on this device, or on your phone, opens the console for a working day. Nothing else is stored.")}</p>
      <button class="main" disabled={busy} onClick={() => run(signIn)}>
        {t("Sign in with a passkey")}
      </button>
      {known.map((at) => (
        <button key={at.country} disabled={busy} onClick={() => run(() => leave(at.country))}>
          {t("Sign in with {name} ({country})", { name: at.name, country: countryName(at.country) })}
        </button>
      ))}
      <Fault of={fault} />
      {fresh && <p role="status">{fresh}</p>}
      <hr />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const by = (event.submitter as HTMLButtonElement | null)?.value;
          void enrolment(known.find(({ country }) => country === by));
        }}
      >
        <h2>{t("First time here")}</h2>
        <label>
          {t("Enrolment code, in full")}
          <input name="code" autocomplete="one-time-code" spellcheck={false} required value={code} onInput={(e) => setCode(e.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("Enrol a passkey")}</button>
        {known.map((at) => (
          <button key={at.country} value={at.country} disabled={busy}>
            {t("Enrol with {name} ({country})", { name: at.name, country: countryName(at.country) })}
          </button>
        ))}
      </form>
    </main>
  );
}

function words(came: Awaited<ReturnType<typeof comeBack>>): string {
  if (came === "enrolled") return t("You are enrolled. You can sign in the same way now.");
  if (came === "refused") return t("The provider did not identify you. Nothing was changed: try again, or use your passkey.");
  return came ? "" : t("That sign-in did not begin in this browser, or was finished before. Begin again.");
}
