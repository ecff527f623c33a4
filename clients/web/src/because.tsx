/** Taking something back, or ending it: folded away, with what it does, and the reason that others are told. */

import { get } from "./api";
import { Fault, useDoing } from "./parts";
import { t } from "./words";

interface Taking {
  title: string;
  happens?: string;
  question?: string;
  most?: number; // letters of the reason
  button: string;
  act: (reason: string) => Promise<void>;
}

export function Because({ title, happens, question, most = 1000, button, act }: Taking) {
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
        {happens && <p>{happens}</p>}
        {question && (
          <label>
            {question}
            <textarea name="reason" required maxLength={most} rows={2} />
          </label>
        )}
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
