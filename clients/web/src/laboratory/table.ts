/** The first sheet of a file of rows: CSV (RFC 4180; comma, semicolon or tab), or an Office Open XML workbook.

Of a workbook (ISO/IEC 29500) only what stands in its cells is read: no formula is computed, no reference followed.
*/

export type Cells = string[][];

export class Unreadable extends Error {}

const MOST_BYTES = 5_000_000, MOST_UNPACKED = 40_000_000;

export async function cellsOf(file: File): Promise<Cells> {
  if (file.size > MOST_BYTES) throw new Unreadable("size");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const packed = bytes[0] === 0x50 && bytes[1] === 0x4b; // PK
  return packed ? workbook(bytes) : csv(new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/^\uFEFF/, ""));
}

export function csv(text: string): Cells {
  const head = text.slice(0, text.search(/[\r\n]|$/));
  const mark = [";", "\t", ","].find((one) => head.includes(one)) ?? ",";
  const rows: Cells = [[]];
  let field = "", quoted = false;
  const end = () => {
    rows.at(-1)?.push(field);
    field = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at] ?? "";
    if (quoted) {
      if (one !== '"') field += one;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (one === '"' && field === "") quoted = true;
    else if (one === mark) end();
    else if (one === "\n") {
      end();
      rows.push([]);
    } else if (one !== "\r") field += one;
  }
  end();
  return rows;
}

/** The files of a ZIP archive by name, of those that are asked for (APPNOTE 6.3.10: end record, central directory). */
async function unpacked(bytes: Uint8Array, wanted: RegExp): Promise<Map<string, string>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw new Unreadable("archive");
  const found = new Map<string, string>();
  let at = view.getUint32(end + 16, true), room = MOST_UNPACKED;
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const [method, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)];
    const [named, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [number, number, number];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + named));
    const local = view.getUint32(at + 42, true);
    if (wanted.test(name)) {
      const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const content = await inflated(bytes.slice(begin, begin + size), method, room);
      room -= content.length;
      found.set(name, new TextDecoder().decode(content));
    }
    at += 46 + named + extra + comment;
  }
  return found;
}

async function inflated(content: Uint8Array<ArrayBuffer>, method: number, room: number): Promise<Uint8Array> {
  if (method === 0) return content;
  if (method !== 8) throw new Unreadable("method");
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.length;
    if (size > room) throw new Unreadable("size");
    parts.push(read.value);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const plain = (text: string): string =>
  text.replace(/&(#x[\da-f]+|#\d+|\w+);/gi, (whole, name: string) =>
    name.startsWith("#") ? String.fromCodePoint(Number(name.replace("#", "").replace(/^x/i, "0x"))) : (ENTITIES[name] ?? whole),
  );
/** Text of a string item: its runs together, without the readings that stand beside them. */
const runs = (xml: string): string =>
  [...xml.replace(/<rPh\b[\s\S]*?<\/rPh>/g, "").matchAll(/<t\b[^>]*>([\s\S]*?)<\/t>/g)].map(([, text]) => plain(text ?? "")).join("");

function column(reference: string): number {
  const letters = /^[A-Z]+/.exec(reference)?.[0] ?? "A";
  return [...letters].reduce((at, letter) => at * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

async function workbook(bytes: Uint8Array): Promise<Cells> {
  const files = await unpacked(bytes, /^xl\/(sharedStrings|worksheets\/[^/]+)\.xml$/);
  const sheet = [...files.keys()].filter((name) => name.startsWith("xl/worksheets/")).sort((a, b) => a.length - b.length || (a < b ? -1 : 1))[0];
  if (!sheet) throw new Unreadable("sheet");
  const strings = [...(files.get("xl/sharedStrings.xml") ?? "").matchAll(/<si\b[^>]*>([\s\S]*?)<\/si>/g)].map(([, item]) => runs(item ?? ""));
  const rows: Cells = [];
  for (const [, attributes = "", content = ""] of (files.get(sheet) ?? "").matchAll(/<row\b([^>]*?)(?:\/>|>([\s\S]*?)<\/row>)/g)) {
    const number = Number(/\br="(\d+)"/.exec(attributes)?.[1] ?? rows.length + 1);
    if (number > 10_000) throw new Unreadable("rows");
    while (rows.length < number) rows.push([]);
    const row = rows[number - 1] ?? [];
    for (const [, given = "", inner = ""] of content.matchAll(/<c\b([^>]*?)(?:\/>|>([\s\S]*?)<\/c>)/g)) {
      const at = column(/\br="([A-Z]+\d+)"/.exec(given)?.[1] ?? "");
      const value = plain(/<v\b[^>]*>([\s\S]*?)<\/v>/.exec(inner)?.[1] ?? "");
      const type = /\bt="(\w+)"/.exec(given)?.[1];
      row[at] = type === "s" ? (strings[Number(value)] ?? "") : type === "inlineStr" ? runs(inner) : type === "str" || value === "" ? value : String(Number(value));
    }
  }
  return rows.map((row) => Array.from(row, (cell) => cell ?? ""));
}

/** A day as it is written, or as a workbook counts them: days since 1899-12-30. */
export function day(cell: string): string {
  if (!/^\d{5}(\.\d+)?$/.test(cell)) return cell;
  return new Date(Date.UTC(1899, 11, 30) + Math.floor(Number(cell)) * 86_400_000).toISOString().slice(0, 10);
}
