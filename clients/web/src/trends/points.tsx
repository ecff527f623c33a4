/** Points, where the policies give points: of the part of the map in view, once it is near enough for them to help. */

import { useMemo } from "preact/hooks";
import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Fault, useAnswer } from "../parts";
import { href } from "../route";
import { counted, countryName, t } from "../words";
import type { Page } from "../pages";
import { type Shared, time } from "../views/records";
import { type View } from "./atlas";
import { type Play } from "./play";
import { asked, filtered, monthAfter } from "./question";
import { common, type Mark, whereOf } from "./where";

const NEAR = 8; // zoom from which on points are asked for
const MOST = 200;

export interface Points {
  on: boolean;
  near: boolean;
  path: string;
  marks: Mark[];
  more: boolean;
  fault: unknown;
}

export function usePoints(view: View | null, play: Play): Points {
  const { points, bbox, from = "", to = "", ...others } = asked();
  const month = play.cells && (play.months[play.at] ?? "");
  const [since, until] = month ? [month, monthAfter(month)] : [from.slice(0, 7), to.slice(0, 7)];
  const near = (view?.zoom ?? 0) >= NEAR;
  const box = points && near && view && !play.running ? (bbox ? common(view.box, bbox) : view.box) : "";
  const day = (first: string) => first && `${first}-01`;
  const path = box && filtered("seizures", { limit: String(MOST), bbox: box }, [], { ...others, from: day(since), to: day(until) });
  const { value, fault } = useAnswer(async () => (path ? get<Page<Shared>>(path) : undefined), [path, purpose.value]);
  const given = (path && value?.items.filter(({ facets }) => whereOf(facets).point)) || [];
  useNames("substance", given.flatMap(({ derived }) => derived?.items.map(({ substance }) => substance) ?? []));
  const marks = given.map(({ id, owner, facets, derived }): Mark => {
    const found = [...new Set(derived?.items.map(({ substance }) => (substance ? called("substance", substance) : "")))].filter(Boolean);
    return { look: "record", where: whereOf(facets), view: `record/${id}`, said: [time(facets), found.join(", "), countryName(owner)].filter(Boolean).join(" · ") };
  });
  const kept = useMemo(() => marks, [JSON.stringify(marks)]);
  return { on: Boolean(points), near, path, marks: kept, more: Boolean(path && value?.next), fault };
}

/** What was clicked on. */
export const Here = ({ marks }: { marks: Mark[] }) =>
  marks.length > 0 ? (
    <div role="status" aria-label={t("What is here")}>
      <Marks of={marks} />
    </div>
  ) : null;

const Marks = ({ of }: { of: Mark[] }) => (
  <ul class="cards">
    {of.map(({ view, said }) => (
      <li key={view} class="card">
        <a href={href(view)}>{said}</a>
      </li>
    ))}
  </ul>
);

export function InView({ points }: { points: Points }) {
  if (!points.on) return null;
  if (!points.near) return <p role="status">{t("Come nearer on the map to see points.")}</p>;
  return (
    <details>
      <summary>{counted("{n} point in view", "{n} points in view", points.marks.length)}</summary>
      <Fault of={points.fault} />
      {points.more && <p>{t("There are more than are shown: come nearer, or choose more narrowly.")}</p>}
      <Marks of={points.marks} />
      <code>GET {points.path}</code>
    </details>
  );
}
