/** A drawing of the service: shown as an image, so that nothing in it can act in the page. */

import { useEffect, useState } from "preact/hooks";

export function Svg({ source, title }: { source: string; title: string }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([source], { type: "image/svg+xml" }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [source]);
  return address ? <img class="drawing" src={address} alt={title} /> : null;
}
