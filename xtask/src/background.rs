//! Commands that run while the page is being served. Each gets a process group of its own, so that ending `xtask` ends
//! the whole build: cargo and every compiler that it started.

use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether commands run in the background from now on.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// The process group of the running command.
static RUNNING: Mutex<Option<u32>> = Mutex::new(None);

/// From now on, [`prepare`] gives each command a process group of its own.
pub(crate) fn activate() {
    ACTIVE.store(true, Ordering::SeqCst);
}

/// Gives a command its own process group, if commands run in the background.
pub(crate) fn prepare(command: &mut Command) {
    #[cfg(unix)]
    if ACTIVE.load(Ordering::SeqCst) {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    #[cfg(not(unix))]
    let _ = command;
}

/// Marks a command as running until the returned guard is dropped.
pub(crate) fn register(child: &Child) -> Running {
    if ACTIVE.load(Ordering::SeqCst)
        && let Ok(mut running) = RUNNING.lock()
    {
        *running = Some(child.id());
    }
    Running
}

/// A command that is running.
pub(crate) struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(mut running) = RUNNING.lock() {
            *running = None;
        }
    }
}

/// Ends the running command with all its children. Cargo keeps what it has already built.
pub(crate) fn end() {
    #[cfg(unix)]
    if let Ok(mut running) = RUNNING.lock()
        && let Some(group) = running.take()
        && let Some(group) = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw)
    {
        // It fails only if the group has just ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
    }
}
