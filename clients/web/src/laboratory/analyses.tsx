/** The analyses of one's own laboratory: what stands, corrected by a new version or withdrawn. */

import { useState } from "preact/hooks";
import { call, get, purpose } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { type Facets, instant, now } from "../records";
import { href } from "../route";
import { session } from "../session";
import { language, t } from "../words";
import { retraction } from "./draft";
import { Findings, Whole } from "./shown";

interface Analysis {
  id: string;
  version: number;
  status: string;
  handling: string;
  facets: Facets;
}

interface Page {
  items: Analysis[];
  next: string | null;
}

export function Analyses() {
  const [round, setRound] = useState(0);
  const path = `/v1/analyses?limit=25&agency=${session.value?.agency}`;
  const first = useAnswer(() => get<Page>(path), [path, purpose.value, round]);
  const [more, setMore] = useState<Page[]>([]);
  const { busy, fault, run } = useDoing();
  const pages = first.value ? [first.value, ...more] : [];
  const items = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next;
  const done = () => {
    setMore([]);
    setRound(round + 1);
  };
  return (
    <>
      <Fault of={first.fault ?? fault} />
      {!first.value && !first.fault && <p role="status">{t("Loading …")}</p>}
      {first.value && items.length === 0 && (
        <Empty>{t("Your laboratory has filed nothing yet.")} <a href={href("laboratory/enter")}>{t("Enter an analysis")}</a></Empty>
      )}
      <ul class="cards">{items.map((one) => <One key={one.id} analysis={one} onDone={done} />)}</ul>
      {next && (
        <button disabled={busy} onClick={() => run(async () => setMore([...more, await get<Page>(`${path}&cursor=${encodeURIComponent(next)}`)]))}>
          {t("Show more")}
        </button>
      )}
    </>
  );
}

function One({ analysis, onDone }: { analysis: Analysis; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const withdraw = (event: SubmitEvent) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget as HTMLFormElement).get("reason"));
    void run(async () => {
      const current = session.value;
      if (!current) return;
      const { items } = await get<{ items: { version: number; latest: boolean; digest: string }[] }>(`/v1/analyses/${analysis.id}/versions`);
      const latest = items.find((one) => one.latest);
      if (!latest) return;
      const version = { agency: current.agency, id: analysis.id, version: latest.version + 1, previous: latest.digest, handling: analysis.handling };
      const facets = { reported: instant(now()), narrative: { text: reason, language: language.value } };
      const text = await retraction(current.records, version, facets);
      await call("POST", `/v1/analyses/${analysis.id}/versions`, { text, type: "application/sd-jwt" });
      onDone();
    });
  };
  return (
    <li class="card accepted">
      <strong>{String(analysis.facets["reference"])}</strong> · {t("version {n}", { n: analysis.version })} · {analysis.handling}
      <Findings facets={analysis.facets} />
      <Whole facets={analysis.facets} />
      <a href={href("laboratory/enter", { correct: analysis.id })}>{t("Correct it")}</a>
      <details>
        <summary>{t("Withdraw it")}</summary>
        <form class="ask" onSubmit={withdraw}>
          <label>
            {t("Why, for whoever was given it")}
            <textarea name="reason" required maxLength={1000} rows={2} />
          </label>
          <button disabled={busy}>{t("Sign and withdraw")}</button>
        </form>
      </details>
      <Fault of={fault} />
    </li>
  );
}
