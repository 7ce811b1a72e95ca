//! The four wasm packages in `www/pkg`. Each is a crate in `packages/` that exports the crate `marquee` with other
//! features, so that cargo keeps the output of each.
//!
//! | package | loaded |
//! |---|---|
//! | `cpu` | first; classifies without Burn |
//! | `cpu-relaxed` | instead of `cpu`, if the browser has relaxed SIMD |
//! | `teach` | when a visitor opens Teach; fine-tunes on the CPU |
//! | `gpu` | after the first answer, if the browser has WebGPU |

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::npm;
use crate::project::Project;
use crate::site::Site;
use crate::step::{run, step};
use crate::tools::{self, WasmToolchain};

pub(crate) struct Package {
    /// Name of the package's folder in `www/pkg`.
    pub(crate) name: &'static str,
    /// Whether to optimise across crates. It makes CPU code smaller and faster. For the gpu package it would take a
    /// quarter of an hour, for code whose work is done on the GPU.
    link_time_optimisation: bool,
}

/// Cargo features of the crate in the gpu package, the same as in packages/gpu/Cargo.toml.
pub(crate) const GPU_FEATURES: &str = "webgpu,autodiff";

/// In build order: the first one makes a page that answers.
pub(crate) static PACKAGES: [Package; 4] = [
    Package { name: "cpu", link_time_optimisation: true },
    Package { name: "cpu-relaxed", link_time_optimisation: true },
    Package { name: "teach", link_time_optimisation: true },
    Package { name: "gpu", link_time_optimisation: false },
];

/// The package that classifies on the CPU.
pub(crate) fn cpu() -> &'static Package {
    let [cpu, ..] = &PACKAGES;
    cpu
}

/// Builds all packages that are not up to date, lists the page's files, and writes the npm package.
pub(crate) fn build(project: &Project) -> Result<()> {
    let site = Site::new(project);
    for package in &PACKAGES {
        build_one(project, package, &site)?;
    }
    site.write_list()?;
    npm::write(project)
}

/// Builds a package if it is not up to date, and puts it into `www/pkg` as a whole.
pub(crate) fn build_one(project: &Project, package: &Package, site: &Site) -> Result<()> {
    let toolchain = tools::wasm_toolchain()?;
    let name = package.name;
    let wasm =
        step(&format!("building the {name} package"), || compile(project, package, &toolchain))?;
    let folder = project.www().join("pkg").join(name);
    if is_newer(&wasm, &folder.join("marquee_bg.wasm")) {
        // A folder whose name begins with a dot is not part of the page.
        let draft = project.www().join("pkg").join(format!(".{name}"));
        step(&format!("generating the bindings of the {name} package"), || {
            remove(&draft)?;
            bind(project, package, &wasm, &draft)?;
            site.replace_package(&draft, &folder)
        })?;
    }
    Ok(())
}

/// Adds a reference to the library that declares `Symbol.dispose`, which TypeScript's default libraries may lack.
fn reference_dispose_types(path: &Path) -> Result<()> {
    let types = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    std::fs::write(path, format!("/// <reference lib=\"esnext.disposable\" />\n{types}"))?;
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// Compiles a package. Returns the path of its wasm file, before wasm-bindgen.
fn compile(project: &Project, package: &Package, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.root)
        .args(["rustc", "--release", "--lib", "--package", &format!("marquee-{}", package.name)])
        .args(["--target", "wasm32-unknown-unknown"]);
    if package.link_time_optimisation {
        // Not as a profile: then each package would compile all its dependencies once more.
        cargo.args(["--", "-Clto=fat", "-Ccodegen-units=1"]);
    }
    run(toolchain.apply(&mut cargo))?;
    let built = project.target.join("wasm32-unknown-unknown/release");
    Ok(built.join(format!("marquee_{}.wasm", package.name.replace('-', "_"))))
}

fn is_newer(source: &Path, target: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|data| data.modified());
    let target = changed(target).unwrap_or(SystemTime::UNIX_EPOCH);
    changed(source).map_or(true, |source| source > target)
}

/// Writes a package to `folder`: wasm-bindgen's files, and the package.json with which `npm pack` makes a tarball.
fn bind(project: &Project, package: &Package, wasm: &Path, folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(true).remove_name_section(true);
    bindgen.omit_default_module_path(false).out_name("marquee").generate(folder)?;
    let bound = folder.join("marquee_bg.wasm");
    reference_dispose_types(&folder.join("marquee.d.ts"))?;
    println!("    {:.2} MB", bound.metadata()?.len() as f64 / 1e6);
    let description = serde_json::json!({
        "name": format!("marquee-{}", package.name),
        "description": "Classifies a film's genres from its poster, in the browser.",
        "version": project.version,
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "main": "marquee.js",
        "types": "marquee.d.ts",
        "files": ["marquee.js", "marquee.d.ts", "marquee_bg.wasm", "marquee_bg.wasm.d.ts"],
        "sideEffects": false,
    });
    let path = folder.join("package.json");
    std::fs::write(path, serde_json::to_string_pretty(&description)? + "\n")?;
    Ok(())
}
