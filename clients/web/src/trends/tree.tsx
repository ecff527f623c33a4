/** The tree of substances beside its ranked table: rolled up to any level, and from the chosen entry up and down. */

import { get } from "../api";
import { nameOf } from "../names";
import { Fault, useAnswer } from "../parts";
import { t } from "../words";
import { asked, change } from "./question";

interface Entry {
  code: string;
  name: string;
  name_ru: string | null;
}

const LEVELS = ["0", "1", "2", "3"]; // depths of the tree, the root's first

export function Level() {
  return (
    <label>
      {t("Level of the tree")}{" "}
      <select value={asked()["level"] ?? ""} onChange={(event) => change({ level: event.currentTarget.value })}>
        <option value="">{t("as it was reported")}</option>
        {LEVELS.map((depth) => (
          <option key={depth} value={depth}>
            {depth === "0" ? t("widest classes") : t("{n} below the widest", { n: depth })}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Wider and narrower entries of the chosen one; each is a filter of everything else. */
export function Lineage({ of }: { of: string }) {
  const { value, fault } = useAnswer(
    () => get<Entry & { ancestors: Entry[]; children: Entry[] }>(`/v1/substances/${encodeURIComponent(of)}`),
    [of],
  );
  const steps = (title: string, entries: Entry[]) =>
    entries.length > 0 && (
      <p class="chips" role="group" aria-label={title}>
        {title}:{" "}
        {entries.map((entry) => (
          <button key={entry.code} onClick={() => change({ substance: entry.code })}>
            {nameOf(entry)}
          </button>
        ))}
      </p>
    );
  return (
    <>
      <Fault of={fault} />
      {value && steps(t("Wider"), value.ancestors)}
      {value && steps(t("Narrower"), value.children)}
    </>
  );
}
