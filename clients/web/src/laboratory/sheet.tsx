/** One sheet of entries: a JSON document, and the fields that each write at one place of it (RFC 6901). */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { codes, label as labelOf, t } from "../words";

export type Json = string | number | boolean | Json[] | { [name: string]: Json };
export type Entries = { [name: string]: Json };

interface Sheet {
  value: Entries;
  faults: Map<string, string>; // pointer → what is wrong there
  change: (pointer: string, value: Json) => void;
}

export const Sheet = createContext<Sheet>({ value: {}, faults: new Map(), change: () => undefined });

const parts = (pointer: string): string[] => pointer.split("/").slice(1);

export function read(value: Json | undefined, pointer: string): Json | undefined {
  return parts(pointer).reduce<Json | undefined>((at, name) => (at as { [name: string]: Json } | undefined)?.[name], value);
}

/** A copy with the value at the pointer replaced; lists and objects on the way are made. */
export function written(value: Entries, pointer: string, given: Json): Entries {
  const copy = structuredClone(value);
  const names = parts(pointer);
  const last = names.pop() ?? "";
  const target = names.reduce<{ [name: string]: Json }>((at, name, n) => {
    at[name] ??= /^\d+$/.test(names[n + 1] ?? last) ? [] : {};
    return at[name] as { [name: string]: Json };
  }, copy);
  target[last] = given;
  return copy;
}

/** Without what is empty: an absent member has one spelling. */
export function tidy(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const kept = value.map(tidy).filter((one) => one !== undefined);
    return kept.length > 0 ? kept : undefined;
  }
  if (typeof value === "object") {
    const kept = Object.entries(value).flatMap(([name, one]) => {
      const tidied = tidy(one);
      return tidied === undefined ? [] : [[name, tidied] as const];
    });
    return kept.length > 0 ? Object.fromEntries(kept) : undefined;
  }
  if (typeof value !== "string") return value;
  return value.trim() || undefined;
}

interface Field {
  at: string;
  title: string;
  type?: "date";
  required?: boolean;
  decimal?: boolean; // a decimal string; a comma is read as the point
  whole?: boolean; // a number of things
  pattern?: string;
  placeholder?: string;
  list?: string;
}

const shown = (value: Json | undefined): string => (value === undefined ? "" : String(value));

/** What the checker, and a person who jumps to a fault, find the field by. */
export const place = (pointer: string): string => `at${pointer.replaceAll("/", "-")}`;

const fault = (faults: Map<string, string>, at: string) =>
  faults.has(at) ? { "aria-invalid": true as const, "aria-errormessage": "verdict" } : {};

export function Text({ at, title, type, required, decimal, whole, pattern, placeholder, list }: Field) {
  const { value, faults, change } = useContext(Sheet);
  const write = (text: string) => {
    if (decimal) change(at, text.replace(",", "."));
    else if (whole && /^\d+$/.test(text)) change(at, Number(text));
    else change(at, text);
  };
  return (
    <label>
      {title}
      <input
        id={place(at)}
        type={type ?? "text"}
        required={required}
        inputMode={decimal ? "decimal" : whole ? "numeric" : undefined}
        pattern={decimal ? "\\d+([.,]\\d+)?" : whole ? "\\d+" : pattern}
        placeholder={placeholder}
        list={list}
        autocomplete="off"
        value={shown(read(value, at))}
        onInput={(event) => write(event.currentTarget.value)}
        {...fault(faults, at)}
      />
    </label>
  );
}

interface Choice {
  at: string;
  title: string;
  list: string; // of schemas/codes
  optional?: boolean;
  onChange?: (code: string) => void;
}

export function Pick({ at, title, list, optional, onChange }: Choice) {
  const { value, faults, change } = useContext(Sheet);
  const write = (code: string) => (onChange ? onChange(code) : change(at, code));
  return (
    <label>
      {title}
      <select id={place(at)} value={shown(read(value, at))} onChange={(event) => write(event.currentTarget.value)} {...fault(faults, at)}>
        {optional && <option value="">{t("Not stated")}</option>}
        {codes(list).map((code) => (
          <option key={code} value={code}>
            {list === "techniques" || list === "handling" ? `${code} · ${labelOf(list, code)}` : labelOf(list, code)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Tick({ at, title }: { at: string; title: string }) {
  const { value, change } = useContext(Sheet);
  return (
    <label class="check">
      <input id={place(at)} type="checkbox" checked={read(value, at) === true} onChange={(event) => change(at, event.currentTarget.checked)} /> {title}
    </label>
  );
}
