/** A substance of one finding: the laboratory's own words, and the entry of the catalogue that it means. */

import { useContext, useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { t } from "../words";
import { place, read, Sheet } from "./sheet";

interface Found {
  code: string;
  name: string;
}

export function Named({ at }: { at: string }) {
  const { value, faults, change } = useContext(Sheet);
  const words = String(read(value, `${at}/reported`) ?? "");
  const code = String(read(value, `${at}/substance`) ?? "");
  const [typed, setTyped] = useState(false);
  const [hits, setHits] = useState<Found[]>([]);
  useEffect(() => {
    if (!typed || words.trim().length < 2 || code) return setHits([]);
    let newest = true;
    get<{ items: Found[] }>(`/v1/substances?limit=6&q=${encodeURIComponent(words)}`).then(
      ({ items }) => newest && setHits(items),
      () => newest && setHits([]),
    );
    return () => {
      newest = false;
    };
  }, [words, code, typed]);
  const field = place(`${at}/reported`);
  const wrong = faults.has(`${at}/reported`) || faults.has(`${at}/substance`);
  return (
    <div class="field">
      <label for={field}>{t("Substance, by any name")}</label>
      <input
        id={field}
        required
        autocomplete="off"
        value={words}
        aria-describedby={`${field}-as`}
        {...(wrong ? { "aria-invalid": true, "aria-errormessage": "verdict" } : {})}
        onInput={(event) => {
          setTyped(true);
          change(at, { ...(read(value, at) as object), reported: event.currentTarget.value, substance: "" });
        }}
      />
      {hits.length > 0 && (
        <ul class="hits" aria-label={t("Substances found")}>
          {hits.map((hit) => (
            <li key={hit.code}>
              <button type="button" onClick={() => change(`${at}/substance`, hit.code)}>
                {hit.name} <small>{hit.code}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
      <small id={`${field}-as`}>{code ? t("Filed as {name}, with your words beside it.", { name: code }) : t("Your own words are kept as they are.")}</small>
    </div>
  );
}
