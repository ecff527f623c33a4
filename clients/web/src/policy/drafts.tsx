/** Drafts: begun from what is in force, edited by form or as JSON, checked by the service, proposed to a second officer. */

import { useState } from "preact/hooks";
import { call, get, Refused } from "../api";
import { Empty, Fault, useAnswer, useDoing } from "../parts";
import { go, href, route } from "../route";
import { country } from "../session";
import { t, when, written } from "../words";
import { propose } from "./decide";
import { Rules } from "./form";
import { Changes, Sentences } from "./said";
import { type Change, type Document, type Overview, owner, path, type Said } from "./shapes";

interface Brief {
  id: string;
  name: string;
  revision: number;
  changed: { at: string };
}

export interface Draft extends Brief {
  document: Document;
  fault: { detail: string; pointer?: string } | null;
}

interface Checked {
  words: Said;
  changes: Change[];
  cautions: string[];
}

export function Drafts({ of, onDone }: { of: Overview; onDone: () => void }) {
  const id = route.value.query.get("draft");
  return id ? <Editor key={id} id={id} of={of} onDone={onDone} /> : <List of={of} />;
}

function List({ of }: { of: Overview }) {
  const found = useAnswer(() => get<{ items: Brief[] }>(path("/drafts")), [path()]);
  const { busy, fault, run } = useDoing();
  const [name, setName] = useState("");
  const begin = () =>
    run(async () => {
      const whose = owner();
      const blank = { policy: "sarhad-policy/1", country: country(), ...(whose.length > 2 ? { agency: whose } : {}), rules: [] };
      const document = { ...(of.in_force?.document ?? blank), version: of.latest + 1 } as Document;
      delete document.effective;
      const draft = await call<Draft>("POST", path("/drafts"), { body: { name, document } });
      go("policy/drafts", { owner: owner(), draft: draft.id });
    });
  return (
    <>
      <Fault of={found.fault} />
      {found.value?.items.length === 0 && <Empty>{t("No draft yet. Name one and begin; it starts from what is in force, and binds nobody.")}</Empty>}
      <ul class="cards">
        {found.value?.items.map((draft) => (
          <li key={draft.id} class="card">
            <a href={href("policy/drafts", { owner: owner(), draft: draft.id })}>{draft.name}</a>
            <p>{t("Changed {day}", { day: when(draft.changed.at) })} UTC</p>
          </li>
        ))}
      </ul>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <h2>{t("Begin a draft")}</h2>
        <label>
          {t("Name for your colleagues")}
          <input required maxLength={200} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button disabled={busy}>{t("Begin from what is in force")}</button>
        <Fault of={fault} />
      </form>
    </>
  );
}

function Editor({ id, of, onDone }: { id: string; of: Overview; onDone: () => void }) {
  const loaded = useAnswer(() => get<Draft>(path(`/drafts/${id}`)), [id]);
  if (loaded.fault) return <Fault of={loaded.fault} />;
  return loaded.value ? <Opened draft={loaded.value} of={of} onDone={onDone} /> : <p role="status">{t("Loading …")}</p>;
}

function Opened({ draft, of, onDone }: { draft: Draft; of: Overview; onDone: () => void }) {
  const countries = useAnswer(() => get<{ items: { code: string }[] }>("/v1/countries"), []);
  const [document, setDocument] = useState(draft.document);
  const [text, setText] = useState(JSON.stringify(draft.document, null, 2));
  const [revision, setRevision] = useState(draft.revision);
  const [kept, setKept] = useState(true);
  const [checked, setChecked] = useState<Checked | null>(null);
  const { busy, fault, run } = useDoing();
  const change = (changed: Document, written?: string) => {
    setDocument(changed);
    setText(written ?? JSON.stringify(changed, null, 2));
    setKept(false);
    setChecked(null);
  };
  const [unread, setUnread] = useState<string | null>(null);
  const write = (written: string) => {
    setText(written);
    try {
      change(JSON.parse(written) as Document, written);
      setUnread(null);
    } catch (fault) {
      setUnread(where(fault));
    }
  };
  const numbered = { ...document, version: of.latest + 1 };
  const save = async () => {
    const body = { name: draft.name, document: numbered, revision };
    const saved = await call<Draft>("PUT", path(`/drafts/${draft.id}`), { body });
    setRevision(saved.revision);
    setKept(true);
  };
  const check = async () => {
    setChecked(null);
    await save();
    setChecked(await call<Checked>("POST", path(`/check?language=${written()}`), { body: { document: numbered } }));
  };
  const others = countries.value?.items.map(({ code }) => code).filter((code) => code !== country()) ?? [];
  return (
    <>
      <h2>{draft.name}</h2>
      <p>{t("Rules are read from the first to the last; what no rule shares is not shared.")}</p>
      {Array.isArray(document.rules) && unread === null && <Rules rules={document.rules} countries={others} onChange={(rules) => change({ ...document, rules })} />}
      <details>
        <summary>{t("The draft as JSON")}</summary>
        <label>
          {t("What you write here is what is proposed")}
          <textarea class="json" rows={18} spellcheck={false} value={text} onInput={(event) => write(event.currentTarget.value)} />
        </label>
        {unread !== null && <p class="fault" role="alert">{t("This is no JSON yet. The form comes back when it is.")} {unread}</p>}
      </details>
      <p class="chips">
        <button class="main" disabled={busy || unread !== null} onClick={() => run(check)}>{t("Save and check")}</button>
        <a href={href("policy/try", { owner: owner(), draft: draft.id })}>{t("Try it: preview and simulate")}</a>
        <button disabled={busy} onClick={() => run(async () => {
          await call("DELETE", path(`/drafts/${draft.id}`));
          go("policy/drafts", { owner: owner() });
        })}>{t("Discard the draft")}</button>
        <span role="status">{kept ? t("Saved") : t("Not saved yet")}</span>
      </p>
      <Fault of={countries.fault ?? fault} />
      {fault instanceof Refused && fault.problem.pointer && <p>{t("Look at")} <code>{fault.problem.pointer}</code></p>}
      {checked && (
        <>
          <h2>{t("What it says")}</h2>
          <Sentences said={checked.words} />
          <h2>{t("What it changes")}</h2>
          <Changes of={checked.changes} />
          {checked.cautions.map((caution) => <p key={caution} class="fault">{caution}</p>)}
          {of.proposed ? (
            <p>{t("Version {n} waits for a decision; until then nothing else is proposed.", { n: of.proposed.version })}</p>
          ) : (
            <button
              class="main"
              disabled={busy || !kept}
              onClick={() => run(async () => {
                await propose(document, of.latest + 1);
                onDone();
                go("policy", { owner: owner() });
              })}
            >
              {t("Sign and propose to a second officer")}
            </button>
          )}
        </>
      )}
    </>
  );
}

/** Where a text stops being JSON, as far as the browser tells. */
function where(fault: unknown): string {
  const [, line, column] = /line (\d+) column (\d+)/.exec(String(fault)) ?? [];
  return line && column ? t("Line {line}, column {column}.", { line, column }) : "";
}
