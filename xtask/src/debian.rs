//! Installs from Debian's packages, where nothing else can be downloaded: browsers, Node.js, pip, and a Rust toolchain
//! from which the wasm32 target is built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::step::{output, run, step};

/// rustup's name for Debian's toolchain.
pub(crate) const TOOLCHAIN: &str = "system";

const WASM: &str = "wasm32-unknown-unknown";

/// Whether packages may be installed here: Debian, and root or sudo without a password.
pub(crate) fn permitted() -> bool {
    Path::new("/usr/bin/apt-get").exists() && (is_root() || can_sudo())
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

fn can_sudo() -> bool {
    output(Command::new("sudo").args(["-n", "true"])).is_some()
}

/// Returns a command that runs as root.
fn root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Held by the thread that installs: apt fails if another apt runs.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Installs packages, and shows only errors.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let _installing = INSTALLING.lock();
    run(root("apt-get").args(["update", "-qq"]))?;
    let mut apt = root("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    apt.stdout(std::process::Stdio::null());
    run(&mut apt)
}

/// Returns what `find` finds, if need be after installing packages. For programs whose tests are skipped without them:
/// a failed installation is only reported.
pub(crate) fn find_or_install<T>(
    what: &str,
    packages: &[&str],
    find: impl Fn() -> Option<T>,
) -> Option<T> {
    let found = find();
    if found.is_some() || !permitted() {
        return found;
    }
    if let Err(error) = step(&format!("installing {what} from Debian"), || install(packages)) {
        eprintln!("    {what} was not installed: {error:#}");
    }
    find()
}

/// Installs Debian's Rust and builds the standard library for wasm32, of which Debian has only the source.
pub(crate) fn install_wasm_target() -> Result<()> {
    install(&["rustc-web", "cargo-web", "rust-web-src"])?;
    // rustc links wasm with the lld of its own LLVM.
    let version = output(Command::new("/usr/bin/rustc").arg("-vV")).context("/usr/bin/rustc")?;
    let llvm = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))
        .and_then(|version| version.split('.').next())
        .context("/usr/bin/rustc does not name its LLVM version")?
        .to_owned();
    install(&[&format!("lld-{llvm}")])?;

    let built = build_standard_library(&llvm)?;
    let lib = format!("/usr/lib/rustlib/{WASM}/lib");
    run(root("mkdir").args(["-p", &lib]))?;
    run(root("cp").args(&built).arg(&lib))?;

    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("/usr/bin/rustc does not name its host")?;
    let bin = format!("/usr/lib/rustlib/{host}/bin");
    run(root("mkdir").args(["-p", &bin]))?;
    let lld = format!("/usr/lib/llvm-{llvm}/bin/lld");
    run(root("ln").args(["-sf", &lld, &format!("{bin}/rust-lld")]))?;
    run(Command::new("rustup").args(["toolchain", "link", TOOLCHAIN, "/usr"]))
}

/// Builds the standard library for wasm32, as a dependency of an empty library. Returns its files.
fn build_standard_library(llvm: &str) -> Result<Vec<PathBuf>> {
    let dir = std::env::temp_dir().join(format!("marquee-wasm-std-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("src"))?;
    std::fs::write(dir.join("src/lib.rs"), "")?;
    std::fs::write(
        dir.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    )?;
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .current_dir(&dir)
        .args(["build", "--quiet", "--release", "--target", WASM])
        .arg("-Zbuild-std=std,panic_abort,panic_unwind,test")
        // Link-time optimisation needs the bitcode, which a standard library usually carries.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", format!("wasm-ld-{llvm}"))
        .env_remove("RUSTUP_TOOLCHAIN");
    run(&mut cargo)?;
    let deps = dir.join("target").join(WASM).join("release/deps");
    let files = deps.read_dir()?.flatten().map(|entry| entry.path());
    let rlibs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|e| e == "rlib")).collect();
    if rlibs.is_empty() {
        bail!("the standard library for {WASM} was not built");
    }
    Ok(rlibs)
}
