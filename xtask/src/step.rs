//! Steps: each announces what it does and reports how long it took. A command that fails says what to do about it,
//! where its output shows a cause that the user can remove.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::{background, diagnosis};

/// How much of a command's error output is kept to find the cause of its failure, in bytes.
const KEPT_OUTPUT: usize = 64 * 1024;

/// Announces `name`, does `work`, and reports how long it took; by name, since another step may run at the same time.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let started = Instant::now();
    let result = work().with_context(|| name.to_owned())?;
    println!("    {name}: done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(result)
}

/// Runs a command and shows its output.
///
/// # Errors
/// An exit status other than 0. The message ends with what to do, if [`diagnosis`] recognises the output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    if std::io::stderr().is_terminal() {
        // Cargo writes to our pipe, for which it would drop its colours.
        command.env("CARGO_TERM_COLOR", "always");
    }
    background::prepare(command);
    let child = command.stderr(Stdio::piped()).spawn();
    let child = child.with_context(|| format!("{name} cannot be started"))?;
    let (status, output) = wait(child).with_context(|| name.clone())?;
    if status.success() {
        return Ok(());
    }
    if let Some(advice) = diagnosis::find(&output) {
        bail!("{advice}");
    }
    let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    bail!("{name} {} failed: {status}", arguments.join(" "));
}

/// Waits for a command. Returns its status and the end of its error output, which is shown as it comes.
fn wait(mut child: Child) -> Result<(ExitStatus, String)> {
    let _running = background::register(&child);
    let pipe = child.stderr.take().context("its error output is not piped")?;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let reader = std::thread::spawn({
        let kept = Arc::clone(&kept);
        move || forward(pipe, &kept)
    });
    let status = child.wait()?;
    // The pipe stays open as long as a process that the command left running holds it: do not wait for that one.
    let deadline = Instant::now() + Duration::from_secs(1);
    while !reader.is_finished() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kept = kept.lock().map_err(|_| anyhow!("its error output could not be read"))?;
    Ok((status, String::from_utf8_lossy(&kept).into_owned()))
}

/// Shows what comes through a pipe and keeps the end of it.
fn forward(mut pipe: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 8192];
    while let Ok(count) = pipe.read(&mut buffer)
        && count > 0
    {
        let bytes = buffer.get(..count).unwrap_or_default();
        // Nothing can be done about a terminal that is gone.
        let _ = std::io::stderr().write_all(bytes);
        if let Ok(mut kept) = kept.lock() {
            kept.extend_from_slice(bytes);
            let excess = kept.len().saturating_sub(KEPT_OUTPUT);
            kept.drain(..excess);
        }
    }
}

/// Returns the path of a program that the shell would run, or `None` if there is none.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    output(Command::new("sh").args(["-c", &format!("command -v {name}")])).map(PathBuf::from)
}

/// Returns what a command prints to its standard output, or `None` if it is missing or fails.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
