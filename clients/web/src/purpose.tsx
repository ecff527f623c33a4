/** The purpose for which one reads: it is signed with every question. */

import { purpose } from "./api";
import { t } from "./words";

export const PURPOSES = ["operational", "analysis", "forensic", "health", "statistics"];

export const Purpose = () => (
  <label>
    {t("Purpose, which you sign")}
    <select value={purpose.value} onChange={(event) => (purpose.value = event.currentTarget.value)}>
      {PURPOSES.map((one) => (
        <option key={one} value={one}>
          {t(one)}
        </option>
      ))}
    </select>
  </label>
);
