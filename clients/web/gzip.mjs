// Packs what a browser loads, once, at build: the service sends it as it is. And lists the assets, for the service worker.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

writeFileSync("dist/assets.json", JSON.stringify(readdirSync("dist/assets")));
for (const file of readdirSync("dist", { recursive: true })) {
  if (/\.(js|mjs|css|html|svg|json)$/.test(file)) {
    writeFileSync(join("dist", `${file}.gz`), gzipSync(readFileSync(join("dist", file)), { level: 9 }));
  }
}
