import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "../dist",
    // The placeholder page there is in git.
    emptyOutDir: false,
    target: "es2022",
    // Images become files: the pages' policy allows no inline scripts or fonts.
    assetsInlineLimit: 0,
    // One small stylesheet: what overrides what does not depend on which pages were seen.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    // What every page needs is one file, whichever pages share some of it: that is smaller.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "shell", tags: ["$initial"] }] } },
    },
  },
  server: { proxy: { "^/metrana_protobuf": "http://127.0.0.1:7420" } },
});
