import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // data: URLs are no part of the content security policy
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      input: { main: "index.html", offline: "src/offline.ts" },
      output: { entryFileNames: (chunk) => (chunk.name === "offline" ? "offline.js" : "assets/[name]-[hash].js") },
    },
  },
});
