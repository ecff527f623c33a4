/** Whole months to ask about: the last one is named, and the day after it is asked. */

import { monthAfter } from "./trends/question";
import { t } from "./words";

export const Period = ({ from, to, change }: { from: string; to: string; change: (given: { from: string } | { to: string }) => void }) => (
  <>
    <label>
      {t("From month")}
      <input type="month" value={from.slice(0, 7)} onChange={(event) => change({ from: event.currentTarget.value })} />
    </label>
    <label>
      {t("Through month")}
      <input
        type="month"
        value={to && monthAfter(to.slice(0, 7), -1)}
        onChange={({ currentTarget: { value } }) => change({ to: value && monthAfter(value) })}
      />
    </label>
  </>
);
