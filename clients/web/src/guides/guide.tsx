/** Guides of two printed pages, one for each role, in English and Russian; their pictures are taken by the tests of the page. */

import "./guide.css";
import { useAnswer } from "../parts";
import { href, route } from "../route";
import { t, written } from "../words";
import { type Guides, ROLES } from "./shapes";

const TEXTS = { en: () => import("./guide-en"), ru: () => import("./guide-ru") };
const PICTURES = import.meta.glob<string>("./pictures/*/*.jpg", { query: "?url", import: "default", eager: true });

export default function Guide() {
  const spoken = written();
  const guides = useAnswer(async () => (await TEXTS[spoken]()).default, [spoken]).value;
  const role = ROLES.find((one) => one === route.value.id);
  if (!guides) return <main><p role="status">{t("Loading …")}</p></main>;
  return role ? <Printed of={guides[role]} spoken={spoken} /> : <Choice of={guides} />;
}

const Choice = ({ of }: { of: Guides }) => (
  <main>
    <h1>{t("Help")}</h1>
    <p>{t("Two pages for each role, to be read here or printed.")}</p>
    <ul class="cards">
      {ROLES.map((role) => (
        <li key={role} class="card">
          <a href={href(`guide/${role}`)}><strong>{of[role].name}</strong></a>
          <p>{of[role].purpose}</p>
        </li>
      ))}
    </ul>
  </main>
);

function Printed({ of, spoken }: { of: Guides[keyof Guides]; spoken: string }) {
  return (
    <main class="guide" lang={spoken}>
      <p class="unprinted">
        <a href={href("guide")}>{t("Help")}</a> <button onClick={() => print()}>{t("Print")}</button>
      </p>
      <h1>Sarhad · {of.name}</h1>
      <p><strong>{of.purpose}</strong></p>
      <ol>{of.steps.map((step) => <li key={step}><Said text={step} /></li>)}</ol>
      <aside>
        <ul>{of.remember.map((one) => <li key={one}><Said text={one} /></li>)}</ul>
      </aside>
      <div class="pictures">
        {of.pictures.map(([name, caption]) => (
          <figure key={name}>
            <img src={PICTURES[`./pictures/${spoken}/${name}.jpg`]} alt={caption} />
            <figcaption>{caption}</figcaption>
          </figure>
        ))}
      </div>
    </main>
  );
}

/** With the words of the page as the page says them, and commands as they are typed. */
const Said = ({ text }: { text: string }) => (
  <>
    {text.split(/(«[^»]+»|`[^`]+`)/).map((part, n) => {
      if (part.startsWith("«")) return <strong key={n}>«{t(part.slice(1, -1))}»</strong>;
      return part.startsWith("`") ? <code key={n}>{part.slice(1, -1)}</code> : part;
    })}
  </>
);
