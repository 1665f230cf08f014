// Builds everything for browsers into the folder named on the command line. The same sources give the same bytes.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, transform } from "esbuild";

const TARGET = ["es2022", "chrome105", "firefox110", "safari16"];

// One line a file in dist/: [name, source, format]. `iife` is for plain <script> tags, `esm` for modules.
const ENTRIES = [
  ["loader", "src/loader.ts", "iife"],
  ["chat", "src/chat.ts", "esm"],
  ["texts-en", "src/texts/en.ts", "esm"],
  ["texts-pt-BR", "src/texts/pt-BR.ts", "esm"],
  ["texts-es", "src/texts/es.ts", "esm"],
  ["docs", "src/docs.ts", "esm"],
  ["docs", "src/docs.css", "esm"],
  ["assist", "src/assist/assist.ts", "esm"],
  ["assist", "src/assist/assist.css", "esm"],
  ["documents", "src/assist/documents.ts", "esm"],
  ["documents", "src/assist/documents.css", "esm"],
  ["chatwoot", "src/assist/chatwoot.ts", "esm"],
  ["host", "src/assist/host.ts", "esm"],
  ["host", "src/assist/host.css", "esm"],
];
// Copied as they are.
const FILES = ["src/index.html", "src/docs.html", "src/mark.svg", "src/assist/assist.html", "src/assist/chatwoot.html", "src/assist/host.html"];

// A style sheet imported by a script becomes its minified text, for `new CSSStyleSheet()`.
const sheets = {
  name: "sheets",
  setup(on) {
    on.onLoad({ filter: /\.css$/ }, async ({ path, with: attributes }) => {
      if (attributes.type !== "text") return undefined;
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: TARGET });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const out = process.argv[2] ?? "dist";
await mkdir(out, { recursive: true });
for (const format of ["iife", "esm"]) {
  await build({
    entryPoints: ENTRIES.filter((entry) => entry[2] === format).map((entry) => ({ out: entry[0], in: entry[1] })),
    outdir: out,
    bundle: true,
    minify: true,
    format,
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    plugins: [sheets],
  });
}
for (const file of FILES) await copyFile(file, join(out, basename(file)));
