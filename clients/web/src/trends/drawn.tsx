/** A chart in the page: drawn when its module has come, and again when what it shows or its room changes. */

import { useEffect, useRef, useState } from "preact/hooks";

type Charts = typeof import("./plot");

export function Drawn({ draw, about }: { draw: (charts: Charts, width: number) => Element; about: unknown[] }) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    if (place.current) watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    let newest = true;
    if (width > 0) void import("./plot").then((charts) => newest && place.current?.replaceChildren(draw(charts, width)));
    return () => {
      newest = false;
    };
  }, [width, ...about]);
  return <div class="drawn" ref={place} />;
}
