//! The wasm packages in `www/pkg`: `cpu` (without Burn, small, answers first), `gpu` (WebGPU, loaded behind it), and
//! for teaching `teach` (Burn Flex, loaded when a visitor begins to teach) and `gpu` again. All come from the one
//! crate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::site;
use crate::step::{run, step};
use crate::tools::{self, WasmToolchain};

struct Package {
    name: &'static str,
    features: &'static str,
    /// Cargo's profile. The small one is optimised as far as it goes; the large one would take a quarter of
    /// an hour, and its work is done on the GPU.
    profile: &'static str,
}

/// Of the gpu package.
pub(crate) const GPU_FEATURES: &str = "webgpu,autodiff";

const PACKAGES: [Package; 3] = [
    Package { name: "cpu", features: "", profile: "web" },
    Package { name: "gpu", features: GPU_FEATURES, profile: "release" },
    Package { name: "teach", features: "flex,autodiff", profile: "teach" },
];

/// What rustc may have used, all of it in every browser since 2023; wasm-opt shall not use more.
const FEATURES: [&str; 8] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Builds what is not up to date.
pub(crate) fn build(project: &Project) -> Result<()> {
    let toolchain = tools::wasm_toolchain()?;
    let wasm_bindgen = tools::wasm_bindgen(project)?;
    let wasm_opt = tools::node_packages(project)?.join(".bin/wasm-opt");
    for package in &PACKAGES {
        let what = format!("building the {} package", package.name);
        let wasm = step(&what, || compile(project, package, &toolchain))?;
        let out = project.www().join("pkg").join(package.name);
        if is_newer(&wasm, &out.join("marquee_bg.wasm")) {
            step(&format!("binding and optimising the {} package", package.name), || {
                bind(&wasm, &out, &wasm_bindgen, &wasm_opt)
            })?;
        }
        describe(project, package)?;
    }
    site::write_list(project)
}

/// What npm and bundlers need beside wasm-bindgen's files, so that `npm pack` makes a package of the folder.
fn describe(project: &Project, package: &Package) -> Result<()> {
    let description = serde_json::json!({
        "name": format!("marquee-{}", package.name),
        "description": "Tells a film's genres from its poster, in the browser.",
        "version": project.version,
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "main": "marquee.js",
        "types": "marquee.d.ts",
        "files": ["marquee.js", "marquee.d.ts", "marquee_bg.wasm", "marquee_bg.wasm.d.ts"],
        "sideEffects": false,
    });
    let path = project.www().join("pkg").join(package.name).join("package.json");
    std::fs::write(path, serde_json::to_string_pretty(&description)? + "\n")?;
    Ok(())
}

fn compile(project: &Project, package: &Package, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.root)
        .args(["rustc", "--package", "marquee", "--lib", "--crate-type", "cdylib"])
        .args(["--target", "wasm32-unknown-unknown", "--profile", package.profile])
        .args(["--no-default-features", "--features", package.features]);
    run(toolchain.apply(&mut cargo))?;
    let built = project.target.join("wasm32-unknown-unknown").join(package.profile);
    // All packages are built to the same file name; each is kept under its own.
    let kept = built.join(format!("marquee-{}.wasm", package.name));
    let fresh = built.join("marquee.wasm");
    if std::fs::read(&fresh)? != std::fs::read(&kept).unwrap_or_default() {
        std::fs::copy(&fresh, &kept).with_context(|| kept.display().to_string())?;
    }
    Ok(kept)
}

fn is_newer(source: &Path, made: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified());
    let made = changed(made).unwrap_or(SystemTime::UNIX_EPOCH);
    changed(source).map_or(true, |source| source > made)
}

fn bind(wasm: &Path, out: &Path, wasm_bindgen: &Path, wasm_opt: &Path) -> Result<()> {
    let mut bindgen = Command::new(wasm_bindgen);
    bindgen.args(["--target", "web", "--remove-name-section", "--out-name", "marquee"]);
    bindgen.arg("--out-dir").arg(out).arg(wasm);
    run(&mut bindgen)?;
    let bound = out.join("marquee_bg.wasm");
    let before = bound.metadata()?.len();
    // Higher levels take minutes more for hardly a byte less once compressed: LLVM has been there already.
    let mut opt = Command::new(wasm_opt);
    opt.arg("-O1").args(FEATURES).arg(&bound).arg("-o").arg(&bound);
    run(&mut opt)?;
    let after = bound.metadata()?.len();
    println!(
        "    {:.2} MB, wasm-opt took {:.2} MB off",
        after as f64 / 1e6,
        (before - after.min(before)) as f64 / 1e6
    );
    Ok(())
}
