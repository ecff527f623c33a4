/** Find a substance by any name, in any alphabet; what is not in the catalogue may still be reported in own words. */

import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { t } from "../words";

export interface Found {
  code: string;
  name: string;
  matched?: string | null;
}

interface Given {
  begun: { words: string; found: Found | null };
  onChoose: (words: string, found: Found | null) => void;
}

export function Substance({ begun, onChoose }: Given) {
  const [words, setWords] = useState(begun.words);
  const [hits, setHits] = useState<Found[]>([]);
  const [chosen, setChosen] = useState<Found | null>(begun.found);
  useEffect(() => {
    if (words.trim().length < 2 || chosen) return setHits([]);
    let newest = true;
    get<{ items: Found[] }>(`/v1/substances?limit=8&q=${encodeURIComponent(words)}`).then(
      ({ items }) => newest && setHits(items),
      () => newest && setHits([]), // without a link one's own words go
    );
    return () => {
      newest = false;
    };
  }, [words, chosen]);
  const choose = (found: Found | null) => {
    setChosen(found);
    setHits([]);
    onChoose(words, found);
  };
  return (
    <div class="field">
      <label>
        {t("Substance, by any name")}
        <input
          name="substance"
          required
          autocomplete="off"
          value={words}
          aria-describedby="substance-as"
          onInput={(event) => {
            setWords(event.currentTarget.value);
            setChosen(null);
            onChoose(event.currentTarget.value, null);
          }}
        />
      </label>
      {hits.length > 0 && (
        <ul class="hits" aria-label={t("Substances found")}>
          {hits.map((hit) => (
            <li key={hit.code}>
              <button type="button" onClick={() => choose(hit)}>
                {hit.name} <small>{hit.code}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
      <small id="substance-as">
        {chosen ? t("Filed as {name}, with your words beside it.", { name: chosen.name }) : t("Your own words are kept as they are.")}
      </small>
    </div>
  );
}
