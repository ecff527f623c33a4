/** The map month by month: one question crossed with months, then no further call. The month shown is in the address. */

import { useEffect, useState } from "preact/hooks";
import { get, purpose } from "../api";
import { Fault, useAnswer } from "../parts";
import { t, when } from "../words";
import { amount, type Answer, type Cell } from "./answer";
import { asked, change, type Measure, monthsFrom, settled } from "./question";

const BEAT = 900; // milliseconds
const FIRST = "first"; // month of what is found

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
  const { play: month = "" } = asked();
  const on = month !== "";
  const [running, setRunning] = useState(false);
  const { value, fault } = useAnswer(async () => (on ? get<Answer>(path) : undefined), [path, on, purpose.value]);
  const cells = (on && value?.cells.filter(({ key }) => key["month"])) || [];
  const named = cells.map(({ key }) => key["month"] ?? "").sort();
  const months = named.length ? monthsFrom(named[0] ?? "", named.at(-1) ?? "") : [];
  const shown = Math.max(0, months.indexOf(month));
  const show = (place: number) => settled({ play: months[place] ?? FIRST });
  useEffect(() => {
    if (!running || months.length === 0) return;
    const beat = setTimeout(() => show((shown + 1) % months.length), BEAT);
    return () => clearTimeout(beat);
  }, [running, months.length, shown]);
  return {
    cells: months.length ? cells.filter(({ key }) => key["month"] === months[shown]) : null,
    most: Math.max(...cells.map((cell) => amount(cell, measure)), 0),
    months,
    at: shown,
    running,
    fault,
    begin: () => {
      if (!on) change({ play: FIRST });
      setRunning(true);
    },
    stop: () => setRunning(false),
    end: () => {
      setRunning(false);
      change({ play: "" });
    },
    go: (place) => {
      setRunning(false);
      show(place);
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
