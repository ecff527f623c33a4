/** Lists that come in pages. */

import { type ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { get, purpose } from "./api";
import { Empty, Fault, useAnswer, useDoing } from "./parts";
import { t } from "./words";

export interface Page<T> {
  items: T[];
  next: string | null;
}

interface Pages<P> {
  first: P | undefined;
  items: P extends Page<infer T> ? T[] : never;
  fault: unknown;
  more: (() => Promise<void>) | undefined; // none after the last page
  again: () => void;
}

/** The pages of a list so far, asked anew from the first one where the path or the purpose changes, and by `again`. */
export function usePages<P extends Page<unknown>>(path: string, cursor = "cursor"): Pages<P> {
  const [round, setRound] = useState(0);
  const about = `${purpose.value} ${path}`;
  const { value, fault } = useAnswer(async () => ({ about, page: await get<P>(path) }), [about, round]);
  const first = value?.about === about ? value.page : undefined; // never what was given for another purpose
  const [later, setLater] = useState<{ after?: P; pages: P[] }>({ pages: [] });
  const following = first && later.after === first ? later.pages : [];
  const pages = first ? [first, ...following] : [];
  const next = pages.at(-1)?.next;
  return {
    first,
    items: pages.flatMap((page) => page.items) as Pages<P>["items"],
    fault,
    more:
      first && next
        ? async () => setLater({ after: first, pages: [...following, await get<P>(`${path}&${cursor}=${encodeURIComponent(next)}`)] })
        : undefined,
    again: () => setRound(round + 1),
  };
}

/** What is shown of them, what is said where there are none, and the button for more. */
export function Paged({ of, empty, children }: { of: Pages<Page<unknown>>; empty: ComponentChildren; children: ComponentChildren }) {
  const { busy, fault, run } = useDoing();
  const { first, items, more } = of;
  return (
    <>
      <Fault of={of.fault ?? fault} />
      {!first && !of.fault && <p role="status">{t("Loading …")}</p>}
      {first && items.length === 0 && <Empty>{empty}</Empty>}
      {items.length > 0 && children}
      {more && <button disabled={busy} onClick={() => void run(more)}>{t("Show more")}</button>}
    </>
  );
}
