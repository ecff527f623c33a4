/** Records that are confirmed to belong together, each where and as precisely as it is disclosed. */

import { useMemo } from "preact/hooks";
import type { Point } from "geojson";
import { get, purpose } from "../api";
import { called, useNames } from "../names";
import { Empty, Head, useAnswer } from "../parts";
import { href } from "../route";
import { countryName, t, when } from "../words";
import { csv } from "./csv";
import { Figure } from "./figure";
import { type Layer } from "./over";
import { type Asked, asked, change } from "./question";
import { type Mark, type Position, type Where } from "./where";
import { fits } from "./within";

const RELATIONS = ["event", "chemical", "physical"];

interface Member {
  geometry: Point | null;
  properties: { group: string; size: number; record: string; seizure: string | null; owner: string; agency: string; at: string | null; country: string | null; admin1: string | null };
}

interface Group {
  id: string;
  size: number;
  members: Member[]; // with what they examined
}

export function useGroups(on: boolean): Layer {
  const over = asked();
  const relation = RELATIONS.find((one) => one === over["relation"]) ?? "event";
  const path = `/v1/links/groups?relation=${relation}`;
  const { value, fault } = useAnswer(async () => (on ? get<{ features: Member[] }>(path) : undefined), [path, on, purpose.value]);
  const key = JSON.stringify(over);
  const groups = useMemo(() => value && groupsOf(value.features, over), [value, key]);
  useNames("admin1", groups?.flatMap(({ members }) => members.map(({ properties }) => properties.admin1)) ?? []);
  const [marks, ties] = useMemo(() => [(groups ?? []).flatMap(marksOf), (groups ?? []).map(({ members }) => members.map(whereIs))], [groups]);
  return { marks, ties, table: <Groups path={path} relation={relation} groups={groups} fault={fault} /> };
}

const position = ({ geometry }: Member): Position | undefined => geometry?.coordinates as Position | undefined;

const whereIs = (member: Member): Where => {
  const [{ country, admin1 }, point] = [member.properties, position(member)];
  return { ...(point ? { point } : {}), ...(admin1 ? { admin1 } : {}), ...(country ? { country } : {}) };
};

/** Groups of which a member answers to the filters. */
function groupsOf(features: Member[], over: Asked): Group[] {
  const found = new Map<string, Group>();
  for (const member of features) {
    const { group: id, size } = member.properties;
    found.set(id, { id, size, members: [...(found.get(id)?.members ?? []), member] });
  }
  return [...found.values()].filter(({ members }) => members.some((member) => answers(member, over)));
}

function answers(member: Member, over: Asked): boolean {
  const { owner, at, country, admin1 } = member.properties;
  const facets = { "when.day": at ?? undefined, "where.admin1": admin1 ? { code: admin1 } : undefined, "where.country": country };
  const point = position(member);
  const spot = point && { "where.point": { lon: String(point[0]), lat: String(point[1]) } };
  return fits({ owner, facets: { ...facets, ...spot } }, over, null, () => [0, 0]);
}

const viewOf = ({ properties: { record, seizure } }: Member): string => `record/${seizure ?? record}`;

const saidOf = ({ properties: { owner, agency, at } }: Member): string => [at && when(at.slice(0, 10)), countryName(owner), agency].filter(Boolean).join(" · ");

const marksOf = ({ members }: Group): Mark[] =>
  members.map((member) => ({ look: "group", where: whereIs(member), view: viewOf(member), said: saidOf(member) }));

/** No more than how large a group is, and whose: single records leave by an export. */
const tableOf = (groups: Group[], relation: string): string =>
  csv(
    ["group", "relation", "records", "owners", "first", "last"],
    groups.map(({ id, size, members }) => {
      const days = members.flatMap(({ properties: { at } }) => at?.slice(0, 10) ?? []).sort();
      return [id, relation, size, [...new Set(members.map(({ properties }) => properties.owner))].join(" "), days[0], days.at(-1)];
    }),
  );

interface Given {
  path: string;
  relation: string;
  groups: Group[] | undefined;
  fault: unknown;
}

function Groups({ path, relation, groups, fault }: Given) {
  return (
    <Figure title={t("What belongs together")} path={path} answer={groups && {}} fault={fault} name={`groups-${relation}`} table={() => tableOf(groups ?? [], relation)} wide>
      <div class="filters">
        <label>
          {t("Relation")}
          <select value={relation} onChange={(event) => change({ relation: event.currentTarget.value })}>
            {RELATIONS.map((one) => <option key={one} value={one}>{t(one)}</option>)}
          </select>
        </label>
      </div>
      {groups?.length === 0 && <Empty>{t("Nothing that is shared with you answers to this.")}</Empty>}
      {asked()["substance"] && <p><small>{t("Groups are not chosen by substance.")}</small></p>}
      <table>
        <Head of={[t("Records"), t("Where")]} />
        <tbody>
          {groups?.flatMap(({ id, members }) =>
            members.map((member, n) => (
              <tr key={id + n}>
                <td>
                  {member.geometry || relation === "event" ? <a href={href(viewOf(member))}>{saidOf(member)}</a> : <a href={href("laboratory/analysis", { id: member.properties.record })}>{saidOf(member)}</a>}
                </td>
                <td data-head={t("Where")}>{[member.properties.admin1 && called("admin1", member.properties.admin1), member.properties.country && countryName(member.properties.country)].filter(Boolean).join(" · ") || t("not shared")}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </Figure>
  );
}
