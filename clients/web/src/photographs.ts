/** Photographs of a report: sent first, because the service draws them anew, and the record names what is kept of them. */

import { upload } from "./upload";
import { type Facets } from "./records";

/** The hash by which a record names the photograph. */
export async function photograph(photo: Blob): Promise<string> {
  const { attachment } = await upload(photo);
  if (!attachment) throw new Error("the service kept nothing of the photograph");
  return attachment.sha256;
}

export function named(facets: Facets, sha256: string): Facets {
  const transport = facets["transport"] as { images?: string[] };
  return { ...facets, transport: { ...transport, images: [...new Set([...(transport.images ?? []), sha256])] } };
}
