/** Titles of problems in the language of the reader, fetched when the first problem has to be told. */

import { signal } from "@preact/signals";
import { language } from "./words";

type Titles = Record<string, string>;

const packs = import.meta.glob<{ default: Titles }>("./generated/problems/*.json");
const known = signal<Record<string, Titles>>({});
const asked = new Set<string>();

/** The title as the reader's language says it; nothing in English, and as long as its words are not here. */
export function titled(title: string): string | undefined {
  const code = language.value;
  if (!(code in known.value)) void learn(code);
  return known.value[code]?.[title];
}

/** What cannot be fetched now is asked for again with the next problem. */
async function learn(code: string): Promise<void> {
  const load = packs[`./generated/problems/problems-${code}.json`];
  if (!load || asked.has(code)) return;
  asked.add(code);
  try {
    const { default: titles } = await load();
    known.value = { ...known.value, [code]: titles };
  } catch {
    asked.delete(code);
  }
}
