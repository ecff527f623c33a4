/** Taking something back: folded away, and never without the reason that others are told. */

import { get } from "./api";
import { Fault, useDoing } from "./parts";
import { t } from "./words";

interface Taking {
  title: string;
  question: string;
  button: string;
  act: (reason: string) => Promise<void>;
}

export function Because({ title, question, button, act }: Taking) {
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget as HTMLFormElement).get("reason"));
    void run(() => act(reason));
  };
  return (
    <details>
      <summary>{title}</summary>
      <form class="ask" onSubmit={submit}>
        <label>
          {question}
          <textarea name="reason" required maxLength={1000} rows={2} />
        </label>
        <button disabled={busy}>{button}</button>
        <Fault of={fault} />
      </form>
    </details>
  );
}

/** The version that follows the latest of a record, whose path this is. */
export async function following(path: string): Promise<{ version: number; previous: string }> {
  const { items } = await get<{ items: { version: number; latest: boolean; digest: string }[] }>(`${path}/versions`);
  const latest = items.find((one) => one.latest);
  if (!latest) throw new Error(t("not shared"));
  return { version: latest.version + 1, previous: latest.digest };
}

/** A record is taken back. */
export const Withdraw = ({ act }: { act: (reason: string) => Promise<void> }) => (
  <Because title={t("Withdraw it")} question={t("Why, for whoever was given it")} button={t("Sign and withdraw")} act={act} />
);
