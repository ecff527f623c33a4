/** How silences look: alike in every chart, table and map, and told apart by a look, a sign and words. */

import { countryName, t } from "../words";
import { type Owner, type State, stateOf } from "./answer";
import { asked } from "./question";

export const meaning = (state: State): string =>
  ({
    reported: t("has reported seizures"),
    zero: t("has reported that there were none"),
    silent: t("shares with you and has said nothing"),
    unshared: t("shares nothing with you for this purpose"),
  })[state];

/** Of what has an amount of none while something else is reported. */
export const none = (): string => t("none among what is shared");

export const Look = ({ of }: { of: State }) => <span class={`look ${of}`} aria-hidden="true" />;

export const Legend = ({ zero }: { zero: string }) => (
  <>
    {(["zero", "silent", "unshared"] as const).map((state) => (
      <span key={state}>
        <Look of={state} /> {state === "zero" ? zero : meaning(state)}
      </span>
    ))}
  </>
);

/** Who is in a table of the chosen period with nothing, or not at all, and why. */
export function Silences({ owners }: { owners: Owner[] }) {
  const { from = "", to = "", owner: chosen } = asked();
  const of = (state: State) => owners.filter((owner) => (!chosen || owner.owner === chosen) && stateOf(owner, from.slice(0, 7), to.slice(0, 7)) === state);
  const told = (["zero", "silent", "unshared"] as const).filter((state) => of(state).length > 0);
  return told.length === 0 ? null : (
    <ul class="silences">
      {told.map((state) => (
        <li key={state}>
          <Look of={state} /> {meaning(state)}: {of(state).map(({ owner }) => countryName(owner)).join(", ")}
        </li>
      ))}
    </ul>
  );
}
