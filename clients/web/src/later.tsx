/** A view whose module is fetched when it is first shown. */

import type { ComponentType } from "preact";
import { useAnswer } from "./parts";
import { t } from "./words";

export function Later({ load }: { load: () => Promise<{ default: ComponentType }> }) {
  const { value, fault } = useAnswer(load, []);
  if (fault) return <main><p class="fault" role="alert">{t("This page could not be loaded. Check the link and reload.")}</p></main>;
  if (!value) return <main><p role="status">{t("Loading …")}</p></main>;
  return <value.default />;
}
