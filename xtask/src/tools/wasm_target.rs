//! The wasm32 target: already installed, from rustup, or built from Debian's packages.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::debian;
use crate::step::{output, run, step};

const WASM: &str = "wasm32-unknown-unknown";

/// The Rust toolchain that compiles to wasm32: the usual one, or the system's.
#[derive(Clone, Debug, Default)]
pub(crate) struct WasmToolchain {
    rustup_toolchain: Option<String>,
}

impl WasmToolchain {
    /// Makes `command`, and any cargo that it calls, use this toolchain.
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

/// Finds a toolchain with the wasm32 target, or installs one.
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
            "the {WASM} target is missing and rustup cannot add it: run `rustup target add {WASM}` with a network \
             connection"
        );
    }
    step("rustup cannot download: building the wasm32 target from Debian's packages", || {
        debian::install_wasm_target()
    })?;
    if !system.has_target() {
        bail!(
            "Debian's toolchain has no {WASM} target either: run `rustup target add {WASM}` with a network connection"
        );
    }
    Ok(system)
}
