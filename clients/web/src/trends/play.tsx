/** The map month by month: one question crossed with months, then no further call while it plays. */

import { useEffect, useState } from "preact/hooks";
import { get, purpose } from "../api";
import { Fault, useAnswer } from "../parts";
import { t, when } from "../words";
import { amount, type Answer, type Cell } from "./answer";
import { type Measure, monthsFrom } from "./question";

const BEAT = 900; // milliseconds

export interface Play {
  cells: Cell[] | null; // of the month shown; null while the whole period is
  most: number; // of any month: the shades mean the same in all of them
  months: string[];
  at: number;
  running: boolean;
  fault: unknown;
  begin: () => void;
  stop: () => void;
  end: () => void;
  go: (at: number) => void;
}

export function usePlay(path: string, measure: Measure): Play {
  const [on, setOn] = useState(false);
  const [running, setRunning] = useState(false);
  const [at, setAt] = useState(0);
  const { value, fault } = useAnswer(async () => (on ? get<Answer>(path) : undefined), [path, on, purpose.value]);
  const cells = (on && value?.cells.filter(({ key }) => key["month"])) || [];
  const named = cells.map(({ key }) => key["month"] ?? "").sort();
  const months = named.length ? monthsFrom(named[0] ?? "", named.at(-1) ?? "") : [];
  const shown = Math.min(at, Math.max(0, months.length - 1));
  useEffect(() => {
    if (!running || months.length === 0) return;
    const beat = setInterval(() => setAt((now) => (now + 1) % months.length), BEAT);
    return () => clearInterval(beat);
  }, [running, months.length]);
  return {
    cells: months.length ? cells.filter(({ key }) => key["month"] === months[shown]) : null,
    most: Math.max(...cells.map((cell) => amount(cell, measure)), 0),
    months,
    at: shown,
    running,
    fault,
    begin: () => {
      setOn(true);
      setRunning(true);
    },
    stop: () => setRunning(false),
    end: () => {
      setOn(false);
      setRunning(false);
      setAt(0);
    },
    go: (place) => {
      setRunning(false);
      setAt(place);
    },
  };
}

export function Player({ play }: { play: Play }) {
  const { months, at, running, fault } = play;
  return (
    <div class="filters">
      <button onClick={running ? play.stop : play.begin}>{running ? t("Pause") : t("Play by month")}</button>
      {months.length > 0 && (
        <>
          <label>
            {t("Month")}
            <input type="range" min={0} max={months.length - 1} value={at} aria-valuetext={when(months[at] ?? "")} onInput={(event) => play.go(Number(event.currentTarget.value))} />
          </label>
          <output>{when(months[at] ?? "")}</output>
          <button onClick={play.end}>{t("Whole period")}</button>
        </>
      )}
      <Fault of={fault} />
    </div>
  );
}
