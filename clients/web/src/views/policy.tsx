/** The policy of one's country: read it, work on drafts, try them, decide upon proposals, and stop sharing at once. */

import { useState } from "preact/hooks";
import { get } from "../api";
import { Fault, useAnswer } from "../parts";
import { Current } from "../policy/current";
import { Drafts } from "../policy/drafts";
import { type Overview, owner, path } from "../policy/shapes";
import { Stop } from "../policy/stop";
import { Trial } from "../policy/trial";
import { Versions } from "../policy/versions";
import { go, href, route } from "../route";
import { country, holds } from "../session";
import { countryName, t } from "../words";

const PARTS = [
  { id: "", title: "In force", officer: false },
  { id: "versions", title: "Versions", officer: false },
  { id: "drafts", title: "Drafts", officer: true },
  { id: "try", title: "Try it", officer: true },
  { id: "stop", title: "Stop sharing", officer: false },
];

export default function Policy() {
  const [round, setRound] = useState(0);
  const id = route.value.id;
  const agencies = useAnswer(() => get<{ items: { code: string; name: string }[] }>(`/v1/agencies?country=${country()}`), []);
  const found = useAnswer(() => get<Overview>(path()), [path(), round]);
  const again = () => setRound(round + 1);
  const of = found.value;
  const parts = PARTS.filter((part) => !part.officer || holds("policy_officer"));
  return (
    <main>
      <h1>{t("What we share, with whom")}</h1>
      <nav aria-label={t("Policy")} class="chips">
        {parts.map((part) => (
          <a key={part.id} href={href(part.id ? `policy/${part.id}` : "policy", { owner: owner() })} aria-current={part.id === id ? "page" : undefined}>
            {t(part.title)}
          </a>
        ))}
        <a href={href("statement")}>{t("Who read our records")}</a>
      </nav>
      {id !== "stop" && (
        <div class="filters">
          <label>
            {t("Policy of")}
            <select value={owner()} onChange={(event) => go(id ? `policy/${id}` : "policy", { owner: event.currentTarget.value })}>
              <option value={country()}>{t("{country}: the whole country", { country: countryName(country()) })}</option>
              {agencies.value?.items.map(({ code, name }) => <option key={code} value={code}>{t("{agency}: its own ceiling", { agency: `${code} · ${name}` })}</option>)}
            </select>
          </label>
        </div>
      )}
      <Fault of={found.fault ?? agencies.fault} />
      {id === "stop" ? <Stop /> : of && <Part id={id} of={of} onDone={again} />}
    </main>
  );
}

function Part({ id, of, onDone }: { id: string; of: Overview; onDone: () => void }) {
  const officer = holds("policy_officer");
  if (id === "versions") return <Versions key={of.owner} of={of} />;
  if (id === "drafts" && officer) return <Drafts of={of} onDone={onDone} />;
  if (id === "try" && officer) return <Trial key={of.owner} of={of} />;
  return <Current of={of} onDone={onDone} />;
}
