/** The map itself, fetched when it comes into view. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Fault } from "../parts";
import { countryName, language, t } from "../words";
import { type Atlas, type View } from "./atlas";

export type Shown = Parameters<Atlas["show"]>[0];

interface Given {
  about: unknown[];
  shown: Shown;
  onPick: (key: string) => void;
  onPoint: (key: string) => void;
  onMarks: (views: string[]) => void;
  onMove: (view: View) => void;
}

export function Canvas({ about, shown, ...heard }: Given) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Atlas | null>(null);
  const latest = useRef({ shown, ...heard });
  const [fault, setFault] = useState<unknown>(null);
  const [dark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  latest.current = { shown, ...heard };
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const turn = () => setDark(scheme.matches);
    scheme.addEventListener("change", turn);
    return () => scheme.removeEventListener("change", turn);
  }, []);
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    let here = true;
    const begin = async () => {
      const { atlas } = await import("./atlas");
      if (!here) return;
      const made = await atlas(box, latest.current.shown.at, {
        onPick: (key) => latest.current.onPick(key),
        onPoint: (key) => latest.current.onPoint(key),
        onMarks: (views) => latest.current.onMarks(views),
        onMove: (view) => latest.current.onMove(view),
        onIdle: () => (box.dataset["idle"] = ""),
        name: countryName,
      });
      if (!here) return made.remove();
      drawn.current = made;
      made.show(latest.current.shown);
    };
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      watch.disconnect();
      begin().catch((error: unknown) => setFault(error));
    });
    watch.observe(box);
    return () => {
      here = false;
      watch.disconnect();
      drawn.current?.remove();
      drawn.current = null;
    };
  }, [language.value, dark]);
  useEffect(() => drawn.current?.show(latest.current.shown), about);
  return (
    <>
      <Fault of={fault} />
      <div class="map crossed" ref={place} />
      <small class="keys">{t("The arrow keys move the map under the cross, plus and minus bring it nearer and away, Enter chooses what is under the cross.")}</small>
    </>
  );
}
