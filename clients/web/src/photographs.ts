/** Photographs of a report: sent first, because the service draws them anew, and the record names what is kept of them. */

import { type Facets } from "./records";
import { upload } from "./upload";

/** The hash by which a record names the photograph. */
export async function photograph(photo: Blob, begun: string | undefined, onBegun: (id: string) => Promise<void>): Promise<string> {
  const { attachment } = await upload(photo, begun, onBegun);
  if (!attachment) throw new Error("the service kept nothing of the photograph");
  return attachment.sha256;
}

export function named(facets: Facets, sha256: string): Facets {
  const transport = facets["transport"] as { images?: string[] } | undefined;
  return { ...facets, transport: { mode: "0", ...transport, images: [...new Set([...(transport?.images ?? []), sha256])] } };
}
