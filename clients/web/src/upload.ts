/** Files of spectra on their way to the service: announced, sent in pieces, inspected there (`/v1/uploads`). */

import { call } from "./api";
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
  spectra?: { read: number; searched: number };
}

const hex = (bytes: ArrayBuffer): string => Array.from(new Uint8Array(bytes), (one) => one.toString(16).padStart(2, "0")).join("");

export async function upload(file: Blob): Promise<Upload> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let state = await call<Upload>("POST", "/v1/uploads", { body: { size: bytes.length, sha256: hex(await sha256(bytes)) } });
  while (state.received < bytes.length) {
    const piece = bytes.slice(state.received, state.received + state.piece_bytes);
    state = await call<Upload>("PATCH", `/v1/uploads/${state.id}?offset=${state.received}`, { bytes: piece });
  }
  return state;
}
