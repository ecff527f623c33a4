/** The laboratory's pages: loaded when the first of them is opened. */

import "./laboratory.css";
import { href, route } from "../route";
import { holds } from "../session";
import { t } from "../words";
import { Analyses } from "./analyses";
import { Analysis } from "./analysis-view";
import { Desk } from "./desk";
import { Enter } from "./enter";
import { Exhibits } from "./exhibits";
import { Links } from "./links";
import { Listings } from "./listings";
import { Spectra } from "./spectra";
import { Spreadsheet } from "./spreadsheet";
import { Structure } from "./structure";

const PAGES = [
  { id: "enter", title: "Enter an analysis", laboratory: true, shown: Enter },
  { id: "spreadsheet", title: "From a spreadsheet", laboratory: true, shown: Spreadsheet },
  { id: "desk", title: "Four eyes", laboratory: true, shown: Desk },
  { id: "analyses", title: "Our analyses", laboratory: true, shown: Analyses },
  { id: "exhibits", title: "Pending exhibits", laboratory: true, shown: Exhibits },
  { id: "spectra", title: "Spectra", laboratory: false, shown: Spectra },
  { id: "links", title: "Links to confirm", laboratory: false, shown: Links },
  { id: "structure", title: "Structures", laboratory: false, shown: Structure },
  { id: "listings", title: "Listings compared", laboratory: false, shown: Listings },
];

const PARTS = [{ id: "analysis", title: "Analysis", laboratory: false, shown: Analysis }]; // reached from others

export default function Pages() {
  const mine = PAGES.filter(({ laboratory }) => !laboratory || holds("laboratory"));
  const current = [...mine, ...PARTS].find(({ id }) => id === route.value.id) ?? mine[0];
  if (!current) return null;
  const Shown = current.shown;
  return (
    <main>
      <nav class="pages" aria-label={t("Laboratory")}>
        {mine.map(({ id, title }) => (
          <a key={id} href={href(`laboratory/${id}`)} aria-current={id === current.id ? "page" : undefined}>
            {t(title)}
          </a>
        ))}
      </nav>
      <h1>{t(current.title)}</h1>
      <Shown key={route.value.query.toString()} />
    </main>
  );
}
