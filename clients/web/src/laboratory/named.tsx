/** A substance of one finding: the laboratory's own words, and the entry of the catalogue that it means. */

import { useContext, useState } from "preact/hooks";
import { Hits, useFound } from "../substances";
import { t } from "../words";
import { place, read, Sheet } from "./sheet";

export function Named({ at }: { at: string }) {
  const { value, faults, change } = useContext(Sheet);
  const words = String(read(value, `${at}/reported`) ?? "");
  const code = String(read(value, `${at}/substance`) ?? "");
  const [typed, setTyped] = useState(false);
  const hits = useFound(words, !typed || code !== "");
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
      <Hits of={hits} onChoose={(hit) => change(`${at}/substance`, hit.code)} />
      <small id={`${field}-as`}>{code ? t("Filed as {name}, with your words beside it.", { name: code }) : t("Your own words are kept as they are.")}</small>
    </div>
  );
}
