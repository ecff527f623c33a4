/** Files on their way to the service: announced, sent in pieces, inspected there (`/v1/uploads`). */

import { call, Refused } from "./api";
import { sha256 } from "./encoding";

export interface Kept {
  media_type: string;
  sha256: string;
  size: number;
}

interface Upload {
  id: string;
  received: number;
  piece_bytes: number;
  attachment?: Kept;
  problem?: Refused["problem"] & { status: number };
  spectra?: { read: number; searched: number };
}

const hex = (bytes: ArrayBuffer): string => Array.from(new Uint8Array(bytes), (one) => one.toString(16).padStart(2, "0")).join("");

/** Sends a file, or what the service lacks of it where it was `begun` before; `onBegun` is told the id to go on with. */
export async function upload(file: Blob, begun?: string, onBegun?: (id: string) => Promise<void>): Promise<Upload> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let state = begun && (await known(begun));
  if (!state) {
    state = await call<Upload>("POST", "/v1/uploads", { body: { size: bytes.length, sha256: hex(await sha256(bytes)) } });
    await onBegun?.(state.id);
  }
  while (state.received < bytes.length) {
    const piece = bytes.slice(state.received, state.received + state.piece_bytes);
    state = await call<Upload>("PATCH", `/v1/uploads/${state.id}?offset=${state.received}`, { bytes: piece });
  }
  if (state.problem) throw new Refused(state.problem.status, state.problem);
  return state;
}

/** An upload that was begun, unless it has lapsed. */
async function known(id: string): Promise<Upload | undefined> {
  try {
    return await call<Upload>("GET", `/v1/uploads/${id}`);
  } catch (fault) {
    if (fault instanceof Refused && fault.status === 404) return undefined;
    throw fault;
  }
}
