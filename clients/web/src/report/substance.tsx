/** Find a substance by any name, in any alphabet; what is not in the catalogue may still be reported in own words. */

import { useState } from "preact/hooks";
import { type Found, Hits, useFound } from "../substances";
import { t } from "../words";

interface Given {
  begun: { words: string; found: Found | null };
  onChoose: (words: string, found: Found | null) => void;
}

export function Substance({ begun, onChoose }: Given) {
  const [words, setWords] = useState(begun.words);
  const [chosen, setChosen] = useState<Found | null>(begun.found);
  const hits = useFound(words, chosen !== null);
  const choose = (found: Found | null) => {
    setChosen(found);
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
      <Hits of={hits} onChoose={choose} />
      <small id="substance-as">
        {chosen ? t("Filed as {name}, with your words beside it.", { name: chosen.name }) : t("Your own words are kept as they are.")}
      </small>
    </div>
  );
}
