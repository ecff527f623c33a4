/** What the units of an exhibit look like: what presses and stamps are told apart by. */

import { t } from "../words";
import { Of, Rows } from "./facets";
import { Pick, Text } from "./sheet";

export const Appearances = () => (
  <Rows
    at="/marks"
    title={t("Appearance, where it matters")}
    add={t("Describe tablets or other units")}
    make={() => ({ exhibit: 1, form: "TAB", colour: "" })}
    named={(row) => t("Appearance of exhibit {n}", { n: Number(row["exhibit"]) })}
  >
    {(at) => (
      <>
        <Of at={`${at}/exhibit`} />
        <Pick at={`${at}/form`} title={t("Form")} list="physical_forms" />
        <Text at={`${at}/colour`} title={t("Colour")} required />
        <Text at={`${at}/shape`} title={t("Shape")} />
        <Text at={`${at}/logo`} title={t("Logo")} />
        <Text at={`${at}/logo_back`} title={t("Imprint of the back")} />
        <Pick at={`${at}/score`} title={t("Score line")} list="tablet_scores" optional />
        <Text at={`${at}/diameter_mm`} title={t("Diameter, mm")} decimal />
        <Text at={`${at}/thickness_mm`} title={t("Thickness, mm")} decimal />
        <Text at={`${at}/mass_mg/mean`} title={t("Mass of a unit, mg: mean")} decimal />
        <Text at={`${at}/mass_mg/sd`} title={t("its standard deviation, mg")} decimal />
        <Text at={`${at}/mass_mg/n`} title={t("of so many weighed")} whole />
      </>
    )}
  </Rows>
);
