// Builds main.js, which esbuild made from main.ts, with webpack. Nothing of it is about Marquee.
import { createRequire } from "node:module";

const [project, tools] = process.argv.slice(2);
const webpack = createRequire(`${tools}/`)("webpack");
const compiler = webpack({ mode: "production", context: project, entry: "./main.js", output: { path: `${project}/dist-webpack` } });
compiler.run((/** @type {Error | null} */ error, /** @type {any} */ stats) => {
    if (error || stats.hasErrors()) {
        console.error(error ?? stats.toString({ all: false, errors: true }));
        process.exitCode = 1;
    }
});
