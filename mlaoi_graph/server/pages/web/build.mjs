// Bundles src/ into ../static, with the licences of what went in. Run by hatch_build.py.
import { readFile, writeFile, readdir, copyFile, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const out = new URL("../static/", import.meta.url).pathname;
const { metafile } = await build({
  entryPoints: ["src/page.js", "src/explorer.js", "src/area.js", "src/query.js", "src/style.css"],
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  target: "es2022",
  chunkNames: "chunk-[hash]",
  assetNames: "asset-[hash]",
  loader: { ".svg": "file", ".woff2": "file", ".png": "file" },
  legalComments: "none", // licences.txt has them whole
  metafile: true,
  logLevel: "warning",
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const found = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
let text = "What the page's bundle holds beside mlaoi-graph itself.\n";
for (const folder of [...packages].sort()) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
  text += `\n${"=".repeat(80)}\n${name} ${version} (${typeof license === "string" ? license : "see below"})\n`;
  for (const file of (await readdir(folder)).filter((f) => /^(licen[cs]e|copying|notice)/i.test(f)).sort())
    text += `\n${await readFile(`${folder}/${file}`, "utf8")}\n`;
}
await writeFile(`${out}licences.txt`, text);

// For the tests only: beside the sources, so that no wheel has it.
await mkdir("test", { recursive: true });
await copyFile("node_modules/axe-core/axe.min.js", "test/axe.min.js");
