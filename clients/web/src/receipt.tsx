/** A receipt: saved as one file that `sarhad verify` checks offline, or checked here against the log. */

import { useState } from "preact/hooks";
import { check, type Evidence } from "./evidence";
import { Fault, useDoing } from "./parts";
import { save } from "./trends/csv";
import { t } from "./words";

export function Receipt({ name, of }: { name: string; of: () => Promise<Evidence> }) {
  const [steps, setSteps] = useState<string[]>([]);
  const { busy, fault, run } = useDoing();
  return (
    <>
      <button disabled={busy} onClick={() => run(async () => save(`${name}.sarhad.json`, "application/json", JSON.stringify(await of(), null, 1)))}>
        {t("Save the receipt")}
      </button>
      <button disabled={busy} onClick={() => run(async () => setSteps(await check(await of())))}>{t("Check the receipt")}</button>
      <Steps of={steps} />
      <Fault of={fault} />
    </>
  );
}

/** What was proven, one thing after the other. */
export const Steps = ({ of }: { of: string[] }) => <div role="status">{of.length > 0 && <ul>{of.map((step) => <li key={step}>{step}</li>)}</ul>}</div>;
