/** A facet of a record as a person reads it: the usual ones in words, whatever else it holds by the names of the record. */

import { type ComponentChildren } from "preact";
import { called, useNames } from "./names";
import { countryName, label, number, t, when } from "./words";

export function Facet({ name, value }: { name: string; value: unknown }) {
  return (
    <>
      <dt>{t(name)}</dt>
      <dd>{name.startsWith("when") || name === "reported" ? when(String(value)) : <Said name={name} of={value} />}</dd>
    </>
  );
}

type Held = Record<string, unknown>;

/** Members that are said in words here; the others of the same value stand below them. */
const WORDS: Record<string, (of: Held) => [known: string[], words: ComponentChildren]> = {
  items: ({ reported, substance, status }) => {
    const own = (reported ?? {}) as Record<string, string>;
    const amount = own["quantity"] ? number(own["quantity"]) : "";
    const said = status ? label("identification_statuses", String(status)) : "";
    return [["line", "reported", "substance", "status"], <>{own["substance"] && <Own of={own["substance"]} />} {amount} {own["unit"] && <Own of={own["unit"]} />}{said && ` · ${said} `}{typeof substance === "string" && <Named code={substance} />}</>];
  },
  transport: ({ mode, conveyance, concealment = [] }) => {
    const hidden = (concealment as string[]).map((code) => label("concealments", code));
    const words = [mode ? label("transport_modes", String(mode)) : "", conveyance ? label("conveyances", String(conveyance)) : "", ...hidden];
    return [["mode", "conveyance", "concealment"], words.filter(Boolean).join(" · ")];
  },
  "where.point": ({ lat, lon, accuracy_m, crossing, place }) => [
    ["lat", "lon", "accuracy_m", "crossing", "place"],
    <>{place && <Own of={place} />} {[crossing, lat && `${lat}, ${lon}${accuracy_m ? ` ± ${accuracy_m} m` : ""}`].filter(Boolean).join(" · ")}</>,
  ],
  narrative: ({ text }) => [["text"], <Own of={text} />],
};

/** Words of whoever wrote the record, in quotation marks: never to be taken for words of this page. */
const Own = ({ of }: { of: unknown }) => <q class="words" dir="auto">{String(of)}</q>;

function Said({ name, of }: { name: string; of: unknown }) {
  if (name === "where.country") return <>{countryName(String(of))}</>;
  const said = WORDS[name];
  if (!said || of === null || typeof of !== "object") return <Value of={of} />;
  if (Array.isArray(of)) return <ol>{of.map((one, n) => <li key={n}><Said name={name} of={one} /></li>)}</ol>;
  const [known, words] = said(of as Held);
  return (
    <>
      {words}
      <Value of={Object.fromEntries(Object.entries(of).filter(([member]) => !known.includes(member)))} />
    </>
  );
}

/** What the catalogue calls it, beside the words of the report. */
export function Named({ code }: { code: string }) {
  useNames("substance", [code]);
  const name = called("substance", code);
  return <small>{name === code ? code : `${name} (${code})`}</small>;
}

function Value({ of }: { of: unknown }) {
  if (Array.isArray(of)) return <ol>{of.map((one, n) => <li key={n}><Value of={one} /></li>)}</ol>;
  if (typeof of === "string") return <Own of={of} />;
  if (of === null || typeof of !== "object") return <>{String(of)}</>;
  const stated = Object.entries(of).filter(([, value]) => value !== undefined); // as it is signed
  return <>{stated.map(([name, value]) => <div key={name}><small><bdi>{name}</bdi></small> <Value of={value} /></div>)}</>;
}
