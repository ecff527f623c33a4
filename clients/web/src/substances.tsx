/** Substances of the catalogue, found by any name in any alphabet and offered to choose from. */

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api";
import { called, useNames } from "./names";
import { t } from "./words";

export interface Found {
  code: string;
  name: string;
}

/** What words may mean; nothing while `settled`, and nothing without a link. */
export function useFound(words: string, settled: boolean): Found[] {
  const [found, setFound] = useState<Found[]>([]);
  useEffect(() => {
    if (words.trim().length < 2 || settled) return setFound([]);
    let newest = true;
    get<{ items: Found[] }>(`/v1/substances?limit=8&q=${encodeURIComponent(words)}`).then(
      ({ items }) => newest && setFound(items),
      () => newest && setFound([]),
    );
    return () => {
      newest = false;
    };
  }, [words, settled]);
  return found;
}

export const Hits = ({ of, onChoose }: { of: Found[]; onChoose: (hit: Found) => void }) =>
  of.length === 0 ? null : (
    <ul class="hits" aria-label={t("Substances found")}>
      {of.map((hit) => (
        <li key={hit.code}>
          <button type="button" onClick={() => onChoose(hit)}>
            {hit.name} <small>{hit.code}</small>
          </button>
        </li>
      ))}
    </ul>
  );

/** A substance to filter by, sent as its code; words that none was chosen for are not sent. */
export function SubstanceFilter({ title, begun }: { title: string; begun: string }) {
  const [code, setCode] = useState(begun);
  const [typed, setTyped] = useState<string | null>(null);
  const words = typed ?? (code && called("substance", code));
  const hits = useFound(words, code !== "");
  const field = useRef<HTMLInputElement>(null);
  useNames("substance", [code]);
  useEffect(() => field.current?.setCustomValidity(words.trim() && !code ? t("Choose one of the substances found, or leave it empty.") : ""), [words, code]);
  return (
    <div class="field">
      <label>
        {title}
        <input
          ref={field}
          autocomplete="off"
          value={words}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setCode("");
          }}
        />
      </label>
      <input type="hidden" name="substance" value={code} />
      <Hits
        of={hits}
        onChoose={(hit) => {
          setTyped(hit.name);
          setCode(hit.code);
          field.current?.focus();
        }}
      />
    </div>
  );
}
