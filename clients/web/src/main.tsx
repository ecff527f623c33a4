/** The console: who is signed in, what that person may do, and the view that the address names. */

import "@fontsource/noto-sans/cyrillic-400.css";
import "@fontsource/noto-sans/cyrillic-700.css";
import "@fontsource/noto-sans/cyrillic-ext-400.css";
import "@fontsource/noto-sans/cyrillic-ext-700.css";
import "@fontsource/noto-sans/latin-400.css";
import "@fontsource/noto-sans/latin-700.css";
import "@fontsource/noto-sans/latin-ext-400.css";
import "@fontsource/noto-sans/latin-ext-700.css";
import "./console.css";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { asOf } from "./api";
import { count, open, READERS } from "./inbox";
import { Later } from "./later";
import { flush, load } from "./outbox";
import { href, route } from "./route";
import { holds, resume, session, signOut } from "./session";
import { Alert } from "./views/alert";
import { Alerts } from "./views/alerts";
import { Inbox } from "./views/inbox";
import { People } from "./views/people";
import { Recall } from "./views/recall";
import { Record } from "./views/record";
import { Records } from "./views/records";
import { Report } from "./views/report";
import { Request } from "./views/request";
import { SignIn } from "./views/signin";
import { Statement } from "./views/statement";
import { Trends } from "./views/trends";
import { drafted, language, languages, preferred, speak, t, when } from "./words";

interface Place {
  view: string;
  title: string;
  roles: string[];
}

const PLACES: Place[] = [
  { view: "report", title: "Report a seizure", roles: ["reporter"] },
  { view: "records", title: "Seizures", roles: ["analyst", "reporter", "laboratory", "policy_officer", "coordinator"] },
  { view: "inbox", title: "Inbox", roles: READERS },
  { view: "laboratory", title: "Laboratory", roles: ["laboratory", "analyst", "policy_officer", "coordinator"] },
  { view: "trends", title: "Trends", roles: ["analyst", "policy_officer", "coordinator"] },
  { view: "alerts", title: "Alerts", roles: ["analyst", "laboratory", "policy_officer", "coordinator"] },
  { view: "policy", title: "Policy", roles: ["policy_officer", "auditor"] },
  { view: "statement", title: "Who read our records", roles: ["policy_officer", "auditor"] },
  { view: "registry", title: "Agencies and keys", roles: ["key_administrator"] },
  { view: "people", title: "Officers", roles: ["key_administrator"] },
  { view: "timeliness", title: "Coverage and timeliness", roles: ["key_administrator", "policy_officer", "auditor"] },
];

const PARTS = ["record", "alert", "request", "recall", "laboratory", "timeline"]; // reached from a list, and by their addresses

function Header({ places }: { places: Place[] }) {
  const current = session.value;
  return (
    <header>
      <a class="brand" href="#/">Sarhad</a>
      <nav aria-label={t("Main")}>
        {places.map(({ view, title }) => (
          <a key={view} href={href(view)} aria-current={route.value.view === view ? "page" : undefined}>
            {t(title)}
            {view === "inbox" && open.value > 0 && ` (${open.value})`}
          </a>
        ))}
        <a href={href("guide")} aria-current={route.value.view === "guide" ? "page" : undefined}>{t("Help")}</a>
      </nav>
      <select class="language" aria-label={t("Language")} value={language.value} onChange={(event) => void speak(event.currentTarget.value)}>
        {languages.map(({ code, name }) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      {current && (
        <span class="who">
          {current.agency}/{current.handle} <button onClick={() => void signOut()}>{t("Sign out")}</button>
        </span>
      )}
    </header>
  );
}

function View({ places }: { places: Place[] }) {
  if (route.value.view === "guide") return <Later key="guide" load={() => import("./guides/guide")} />;
  if (!session.value) return <SignIn />;
  const { view, id } = route.value;
  switch (PARTS.includes(view) || places.some((place) => place.view === view) ? view : places[0]?.view) {
    case "report":
      return <Report />;
    case "records":
      return <Records />;
    case "record":
      return <Record key={id} id={id} />;
    case "inbox":
      return <Inbox />;
    case "request":
      return <Request key={id} id={id} />;
    case "recall":
      return <Recall key={id} id={id} />;
    case "alerts":
      return <Alerts />;
    case "alert":
      return <Alert key={id} id={id} />;
    case "laboratory":
      return <Later key="laboratory" load={() => import("./laboratory/pages")} />;
    case "trends":
      return <Trends />;
    case "timeline":
      return <Later key="timeline" load={() => import("./views/timeline")} />;
    case "policy":
      return <Later key="policy" load={() => import("./views/policy")} />;
    case "statement":
      return <Statement />;
    case "registry":
      return <Later key="registry" load={() => import("./views/registry")} />;
    case "people":
      return <People />;
    case "timeliness":
      return <Later key="timeliness" load={() => import("./views/timeliness")} />;
    default:
      return <main>{t("Your roles have no view of their own in the console.")}</main>;
  }
}

function Console() {
  useEffect(() => void count(), [session.value]);
  const places = PLACES.filter((place) => holds(...place.roles));
  return (
    <>
      <Header places={places} />
      {drafted.value && <p class="drafted" role="note">{t("Machine-drafted words, not yet reviewed by a member state.")}</p>}
      <View places={places} />
      {asOf.value && <p class="as-of" role="status">{t("As of {moment}: what was reported later is not in it.", { moment: `${when(asOf.value)} UTC` })}</p>}
      <footer>{t("Boundaries and names of places imply no endorsement.")}</footer>
    </>
  );
}

async function begin(): Promise<void> {
  if (/^[\d.:[\]]+$/.test(location.hostname)) {
    const { origin } = await fetch("/v1/console").then((response) => response.json());
    if (origin !== location.origin) return location.replace(`${origin}${location.pathname}${location.hash}`);
  }
  await Promise.all([speak(preferred()), resume(), load()]);
  render(<Console />, document.getElementById("console") as HTMLElement);
  document.body.dataset["ready"] = "";
  if ("serviceWorker" in navigator) await keepForLater();
  await flush();
}

/** What works without a link is kept, in the language that is spoken. */
async function keepForLater(): Promise<void> {
  await navigator.serviceWorker.register(scriptUrl("/console/offline.js"), { scope: "/console/" });
  language.subscribe((code) => void navigator.serviceWorker.ready.then(({ active }) => active?.postMessage(code)));
}

/** Trusted Types: the only script that the page itself names. */
function scriptUrl(path: string): string {
  const types = (globalThis as { trustedTypes?: { createPolicy: (name: string, rules: object) => { createScriptURL: (url: string) => string } } }).trustedTypes;
  return types ? types.createPolicy("console", { createScriptURL: (url: string) => url }).createScriptURL(path) : path;
}

void begin();
