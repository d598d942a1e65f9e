// Prints the protocol's JSON schemas, by version, that the conformance suite carries: node schemas.mjs SUITE/dist/index.js
import fs from "node:fs";
import vm from "node:vm";

const text = fs.readFileSync(process.argv[2], "utf8");
const begin = /(\w+)=(\{\$schema:`[^`]*`,(?:definitions|\$defs):\{Annotations:)/g;
const found = [];
for (let match; (match = begin.exec(text)); ) {
  const start = match.index + match[1].length + 1;
  found.push(vm.runInNewContext(`(${text.slice(start, endOf(text, start))})`));
}
console.log(JSON.stringify(found));

// Where an object literal ends; braces within template literals do not count.
function endOf(text, start) {
  let depth = 0;
  for (let place = start; ; place++) {
    const letter = text[place];
    if (letter === "`") {
      for (place++; text[place] !== "`"; place++) if (text[place] === "\\") place++;
    } else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return place + 1;
  }
}
