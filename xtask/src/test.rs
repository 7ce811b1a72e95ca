//! `cargo xtask test`: everything, in the order in which failures are cheapest. CI runs this and nothing else.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::chromium::{self, Chromium};
use crate::dependencies;
use crate::package;
use crate::project::Project;
use crate::serve::Server;
use crate::step::{output, run, step};
use crate::tools::{self, WasmToolchain};

/// The page is tested under a path like the one that GitHub Pages gives a project.
const PREFIX: &str = "/any/prefix/";

pub(crate) fn run_all(project: &Project) -> Result<()> {
    let started = Instant::now();
    step("formatting", || cargo(project, &["fmt", "--all", "--check"]))?;
    step("lints, native", || {
        cargo(project, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-Dwarnings"])
    })?;
    let mut skipped = dependencies::check(project)?;
    let imagenet = tools::imagenet_wheels(project)?;
    step("tests, native", || {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--workspace"]).current_dir(&project.root);
        run(cargo.env("MARQUEE_IMAGENET", imagenet).env("MARQUEE_UNTRUSTED", untrusted(project)))
    })?;
    skipped.extend(miri(project)?);

    let toolchain = tools::wasm_toolchain()?;
    step("lints, wasm32", || lint_wasm(project, &toolchain))?;
    package::build(project)?;
    let chromium = chromium::find()?;
    let wasm_pack = tools::wasm_pack(project)?;
    step("tests of the crate in headless Chromium, by wasm-pack", || {
        test_in_browser(project, &toolchain, &chromium, wasm_pack)
    })?;

    let modules = tools::node_packages(project)?;
    step("types of the page's scripts", || {
        let mut tsc = Command::new(modules.join(".bin/tsc"));
        run(tsc.args(["--project", "tests/e2e"]).current_dir(&project.root))
    })?;
    let page = PageTests::serve(project, chromium)?;
    step("end-to-end tests of the page in headless Chromium", || {
        run(&mut page.node()).context("see tests/e2e/screenshots for what the page showed")
    })?;

    let minutes = started.elapsed().as_secs_f64() / 60.0;
    println!("\neverything passed in {minutes:.1} minutes");
    match skipped.as_slice() {
        [] => println!("nothing was skipped"),
        skipped => skipped.iter().for_each(|what| println!("skipped: {what}")),
    }
    Ok(())
}

/// Writes the fixtures and golden values that the browser's answers are compared with.
pub(crate) fn golden(project: &Project) -> Result<()> {
    step("writing tests/fixtures from the native run", || {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--package", "marquee", "--test", "native", "golden::"]);
        run(cargo.env("MARQUEE_WRITE_GOLDEN", "1").current_dir(&project.root))
    })
}

/// Bad files that the native tests make and the page's tests drop.
pub(crate) fn untrusted(project: &Project) -> PathBuf {
    project.tools().join("untrusted")
}

fn cargo(project: &Project, arguments: &[&str]) -> Result<()> {
    run(Command::new("cargo").args(arguments).current_dir(&project.root))
}

/// Runs the tests of what is `unsafe` under Miri; gives what was skipped where there is none.
fn miri(project: &Project) -> Result<Option<String>> {
    // Not `cargo +nightly`, by which rustup would install one.
    let nightly = |arguments: &[&str]| {
        let mut rustup = Command::new("rustup");
        rustup.current_dir(&project.root).args(["run", "nightly", "cargo", "miri"]).args(arguments);
        rustup
    };
    if output(&mut nightly(&["--version"])).is_none() {
        return Ok(Some("unsafe code under Miri: there is no nightly toolchain with it".into()));
    }
    step("unsafe code under Miri", || {
        run(&mut nightly(&["test", "--quiet", "--package", "marquee", "--lib", "kernels::flex::product"]))
    })?;
    Ok(None)
}

fn lint_wasm(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&project.root)
        .args(["clippy", "--quiet", "--package", "marquee", "--all-targets"])
        .args(["--target", "wasm32-unknown-unknown", "--features", "flex,webgpu,autodiff"])
        .args(["--", "-Dwarnings"]);
    run(toolchain.apply(&mut cargo))
}

/// Built as the gpu package is: what is tested is what ships, and nearly all of it is there already.
fn test_in_browser(
    project: &Project,
    toolchain: &WasmToolchain,
    chromium: &Chromium,
    wasm_pack: PathBuf,
) -> Result<()> {
    let webdriver = serde_json::json!({
        "goog:chromeOptions": { "binary": chromium.browser, "args": chromium::FLAGS }
    });
    let config = project.tools().join("webdriver.json");
    std::fs::create_dir_all(project.tools())?;
    std::fs::write(&config, webdriver.to_string())?;

    let mut command = Command::new(wasm_pack);
    command
        .current_dir(&project.root)
        .args(["test", "--release", "--headless", "--chrome", "--chromedriver"])
        .arg(&chromium.driver)
        .args(["--mode", "no-install", "--", "--test", "web"])
        .args(["--no-default-features", "--features", package::GPU_FEATURES])
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &config)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
        .env("PATH", tools::path_with_own(project)?);
    run(toolchain.apply(&mut command))
}

/// The page, served, and Node with all that its tests and scripts need.
pub(crate) struct PageTests {
    server: Server,
    chromium: Chromium,
    folder: PathBuf,
    trainer: PathBuf,
    untrusted: PathBuf,
}

impl PageTests {
    /// Builds what is missing, and serves the page.
    pub(crate) fn prepare(project: &Project) -> Result<Self> {
        package::build(project)?;
        let chromium = chromium::find()?;
        tools::node_packages(project)?;
        // As the tests build it: by itself it would be built of other dependencies.
        let tests = ["test", "--quiet", "--workspace", "--no-run"];
        step("building the trainer", || cargo(project, &tests))?;
        Self::serve(project, chromium)
    }

    fn serve(project: &Project, chromium: Chromium) -> Result<Self> {
        Ok(Self {
            server: Server::start(project, 0, PREFIX)?,
            chromium,
            folder: project.node(),
            trainer: project.target.join("debug/trainer"),
            untrusted: untrusted(project),
        })
    }

    /// Node's test runner; without further arguments it runs all files.
    pub(crate) fn node(&self) -> Command {
        let mut node = self.script();
        node.args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
        node
    }

    /// Node in the folder of the page's tests.
    pub(crate) fn script(&self) -> Command {
        let mut node = Command::new("node");
        node.current_dir(&self.folder)
            .env("MARQUEE_URL", &self.server.url)
            .env("MARQUEE_CHROMIUM", &self.chromium.browser)
            .env("MARQUEE_CHROMIUM_FLAGS", chromium::FLAGS.join(" "))
            .env("MARQUEE_TRAINER", &self.trainer)
            .env("MARQUEE_UNTRUSTED", &self.untrusted);
        node
    }
}
