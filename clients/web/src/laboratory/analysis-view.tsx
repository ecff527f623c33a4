/** One analysis that is shared with the reader, as far as it is; what is no analysis is shown as the record it is. */

import { get, purpose, Refused } from "../api";
import { Fault, useAnswer } from "../parts";
import { type Facets } from "../records";
import { href, route } from "../route";
import { countryName, label, t } from "../words";
import { Findings, Whole } from "./shown";

interface Shared {
  version: number;
  owner: string;
  agency: string;
  handling: string;
  facets: Facets;
}

export function Analysis() {
  const id = route.value.query.get("id") ?? "";
  const { value, fault } = useAnswer(() => get<Shared>(`/v1/analyses/${encodeURIComponent(id)}`), [id, purpose.value]);
  if (fault instanceof Refused && fault.status === 404)
    return <p><a href={href(`record/${id}`)}>{t("It is no analysis that you are given for this purpose: open it as a report")}</a></p>;
  if (fault) return <Fault of={fault} />;
  if (!value) return <p role="status">{t("Loading …")}</p>;
  return (
    <>
      <p>{[countryName(value.owner), value.agency, t("version {n}", { n: value.version }), `${value.handling} · ${label("handling", value.handling)}`].join(" · ")}</p>
      <Findings facets={value.facets} />
      <Whole facets={value.facets} />
    </>
  );
}
