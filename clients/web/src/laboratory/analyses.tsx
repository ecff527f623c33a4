/** The analyses of one's own laboratory: what stands, corrected by a new version or withdrawn. */

import { call } from "../api";
import { following, Withdraw } from "../because";
import { type Page, Paged, usePages } from "../pages";
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

export function Analyses() {
  const pages = usePages<Page<Analysis>>(`/v1/analyses?limit=25&agency=${session.value?.agency}`);
  return (
    <Paged of={pages} empty={<>{t("Your laboratory has filed nothing yet.")} <a href={href("laboratory/enter")}>{t("Enter an analysis")}</a></>}>
      <ul class="cards">{pages.items.map((one) => <One key={one.id} analysis={one} onDone={pages.again} />)}</ul>
    </Paged>
  );
}

function One({ analysis, onDone }: { analysis: Analysis; onDone: () => void }) {
  const { id, handling } = analysis;
  const withdraw = async (reason: string) => {
    const current = session.value;
    if (!current) return;
    const version = { agency: current.agency, id, handling, ...(await following(`/v1/analyses/${id}`)) };
    const facets = { reported: instant(now()), narrative: { text: reason, language: language.value } };
    const text = await retraction(current.records, version, facets);
    await call("POST", `/v1/analyses/${id}/versions`, { text, type: "application/sd-jwt" });
    onDone();
  };
  return (
    <li class="card accepted">
      <strong>{String(analysis.facets["reference"])}</strong> · {t("version {n}", { n: analysis.version })} · {handling}
      <Findings facets={analysis.facets} />
      <Whole facets={analysis.facets} />
      <a href={href("laboratory/enter", { correct: id })}>{t("Correct it")}</a>
      <Withdraw act={withdraw} />
    </li>
  );
}
