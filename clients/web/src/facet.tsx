/** A facet of a record as a person reads it, whatever it holds. */

import { t, when } from "./words";

export function Facet({ name, value }: { name: string; value: unknown }) {
  return (
    <>
      <dt>{t(name)}</dt>
      <dd>{name.startsWith("when") || name === "reported" ? when(String(value)) : <Value of={value} />}</dd>
    </>
  );
}

function Value({ of }: { of: unknown }) {
  if (Array.isArray(of)) return <ol>{of.map((one, n) => <li key={n}><Value of={one} /></li>)}</ol>;
  if (of === null || typeof of !== "object") return <>{String(of)}</>;
  return <>{Object.entries(of).map(([name, value]) => <div key={name}><small>{name}</small> <Value of={value} /></div>)}</>;
}
