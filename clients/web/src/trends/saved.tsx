/** Questions that were saved at one's agency, with how they were looked at: opened again by a press, asked by everybody with their own eyes. */

import { useState } from "preact/hooks";
import { call, get, purpose } from "../api";
import { Fault, useAnswer, useDoing } from "../parts";
import { href } from "../route";
import { t } from "../words";
import { type Asked, asked, FILTERS, only, VIEW } from "./question";

interface Saved {
  id: string;
  name: string;
  mine: boolean;
  asks: Asked;
  view: Asked | null;
}

export function SavedQuestions() {
  const [round, setRound] = useState(0);
  const { value, fault } = useAnswer(() => get<{ items: Saved[] }>("/v1/questions?limit=50"), [round, purpose.value]);
  const doing = useDoing();
  const then = (work: () => Promise<unknown>) =>
    doing.run(async () => {
      await work();
      setRound(round + 1);
    });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const name = String(new FormData(form).get("name"));
    const body = { name, shared: "agency", asks: { by: "month", ...only(FILTERS, asked()) }, view: only(VIEW, asked()) };
    void then(() => call("POST", "/v1/questions", { body, purposeful: true })).then(() => form.reset());
  };
  return (
    <details class="saved">
      <summary>{t("Saved questions")}</summary>
      <ul class="cards">
        {value?.items.map((one) => (
          <li key={one.id}>
            <a href={href("trends", { ...only(FILTERS, one.asks), ...only(VIEW, one.view ?? {}) })}>{one.name}</a>{" "}
            {one.mine && (
              <button disabled={doing.busy} aria-label={`${t("Delete")}: ${one.name}`} onClick={() => void then(() => call("DELETE", `/v1/questions/${one.id}`))}>
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
      <form class="filters" onSubmit={submit}>
        <label>
          {t("Name for what is asked now")} <input name="name" required maxLength={100} />
        </label>
        <button disabled={doing.busy}>{t("Save for my agency")}</button>
      </form>
      <Fault of={fault ?? doing.fault} />
    </details>
  );
}
