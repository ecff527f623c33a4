/** Parts that several views share. */

import { type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NoLink, type Problem, Refused } from "./api";
import { titled } from "./titles";
import { language, t } from "./words";

/** What went wrong: a problem as the service tells it, or a sentence of the page. It can be kept in the browser. */
export type Why = Pick<Problem, "title" | "detail"> | string;

export function why(fault: unknown): Why {
  if (fault instanceof NoLink) return t("The service cannot be reached. What you entered is kept; try again later.");
  if (fault instanceof Refused) return fault.problem;
  return fault instanceof Error ? fault.message : String(fault);
}

/** What went wrong and what to try, for the person who waits. Details of a problem are English in every language. */
export function Told({ of }: { of: Why }) {
  if (typeof of === "string") return <>{of}</>;
  return <>{titled(of.title) ?? <span lang="en">{of.title}</span>} <span lang="en">{of.detail}</span></>;
}

/** What is accepted, but should be looked at again: its kind in the reader's words, and the service's own beside it. */
export const Warned = ({ of }: { of: { type: string; detail: string } }) => language.value === "en" ? <>{of.detail}</> : <>{t(of.type)} <small lang="en">{of.detail}</small></>;

export const Fault = ({ of }: { of: unknown }) => (of ? <p class="fault" role="alert"><Told of={why(of)} /></p> : null);

interface Loaded<T> {
  value?: T;
  fault?: unknown;
}

/** Ask anew whenever `about` changes; an answer that comes late does not replace a newer one. */
export function useAnswer<T>(ask: () => Promise<T>, about: unknown[]): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({});
  useEffect(() => {
    let newest = true;
    ask().then(
      (value) => newest && setLoaded({ value }),
      (fault: unknown) => newest && setLoaded({ fault }),
    );
    return () => {
      newest = false;
    };
  }, about);
  return loaded;
}

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

interface Doing {
  busy: boolean;
  fault: unknown;
  run: (work: () => Promise<void>) => Promise<void>;
}

/** One thing at a time: while it is done the button waits, and what goes wrong is told beside it. */
export function useDoing(): Doing {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault(null);
    try {
      await work();
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  return { busy, fault, run };
}

/** The head of a table. */
export const Head = ({ of }: { of: string[] }) => (
  <thead>
    <tr>
      {of.map((name) => <th key={name} scope="col">{name}</th>)}
    </tr>
  </thead>
);
