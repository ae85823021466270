// Copies what the page uses of its libraries into the package, with their licences.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const target = join(here, "..", "src", "handlens", "serve", "static", "vendor");
const files = {
  "vega/build/vega.min.js": "vega.js",
  "vega-lite/build/vega-lite.min.js": "vega-lite.js",
  "vega-embed/build/vega-embed.min.js": "vega-embed.js",
  "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui.js",
  "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
};

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [from, to] of Object.entries(files)) {
  // A map that is not shipped would be asked for in vain.
  const text = readFileSync(join(modules, from), "utf8").replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*$/m, "");
  writeFileSync(join(target, to), text);
}

// Everything that is installed may be part of a bundle, so every licence goes along.
const licences = [];
for (const folder of packages(modules)) {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)/i.test(name));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
  licences.push(`${about.name} ${about.version} (${about.license})\n\n${text}\n`);
}
writeFileSync(join(target, "LICENSES.txt"), licences.sort().join(`\n${"-".repeat(80)}\n\n`));

function packages(folder) {
  return readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => (name.startsWith("@") ? packages(join(folder, name)) : [join(folder, name)]))
    .filter((path) => existsSync(join(path, "package.json")));
}
