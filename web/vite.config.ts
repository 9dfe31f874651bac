// Builds src/ and styles/ into dist/, with compressed twins that the server sends as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

// The oldest browsers met in commune offices: Chrome 109 is the last on Windows 7.
const FLOOR = ["chrome109", "edge109", "firefox115", "safari15.4"];

function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle(options) {
      for (const path of files(options.dir ?? "dist")) {
        if (!/\.(js|css|svg)$/.test(path)) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(bytes));
      }
    },
  };
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

export default defineConfig({
  base: "/assets/",
  plugins: [compressed()],
  build: {
    target: FLOOR,
    cssTarget: FLOOR,
    manifest: true,
    assetsDir: "",
    // Inlined data: addresses would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: false,
    rollupOptions: {
      input: ["src/main.ts", "src/editor.ts", "src/record.ts", "src/heard.ts"],
    },
  },
});
