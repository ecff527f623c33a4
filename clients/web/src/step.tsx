/** A step that a person takes: a form or a button that sends one thing, and tells what went wrong beside it. */

import { type ComponentChildren } from "preact";
import { call } from "./api";
import { Fault, useDoing } from "./parts";

interface Taken {
  path: string;
  title: string;
  body: (given: FormData) => object;
  children: ComponentChildren;
  onDone: () => void;
}

export function Step({ path, title, body, children, onDone }: Taken) {
  const { busy, fault, run } = useDoing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement, event.submitter);
    const target = `${path}${String(given.get("ending") ?? "")}`;
    void run(async () => {
      await call("POST", target, { body: body(given), purposeful: true });
      onDone();
    });
  };
  return (
    <form class="ask" onSubmit={submit}>
      <h2>{title}</h2>
      <fieldset class="plain" disabled={busy}>{children}</fieldset>
      <Fault of={fault} />
    </form>
  );
}

export function Act({ path, body, title, onDone }: { path: string; body: object; title: string; onDone: () => void }) {
  const { busy, fault, run } = useDoing();
  const act = () =>
    run(async () => {
      await call("POST", path, { body, purposeful: true });
      onDone();
    });
  return (
    <p>
      <button class="main" disabled={busy} onClick={() => void act()}>{title}</button>
      <Fault of={fault} />
    </p>
  );
}
