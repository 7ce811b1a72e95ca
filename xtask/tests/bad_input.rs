//! What `cargo xtask` says where it cannot work: one line, with what to do.
#![allow(clippy::unwrap_used)] // a failing test should say where

use std::net::TcpListener;
use std::process::Command;

/// Runs xtask and returns its last line of error output. It must fail.
fn error_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.trim_end().lines().last().unwrap_or_default().to_owned()
}

fn xtask() -> Command {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
}

#[test]
fn a_port_in_use_is_reported_before_anything_is_built() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let error = error_of(xtask().args(["serve", "--port", &port]));
    assert!(
        error.starts_with(&format!("error: port {port} is not free: choose another")),
        "{error}"
    );
}

#[test]
#[cfg(unix)]
fn an_old_node_is_reported_with_the_version_that_is_needed() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    for (name, version) in [("node", "v12.22.12"), ("npm", "7.5.2")] {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho {version}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap();
    let paths = [dir.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(paths).unwrap();
    let error = error_of(xtask().args(["test", "--only", "lint"]).env("PATH", path));
    assert_eq!(error, "error: Node.js v12.22.12 is too old: install version 20.19 or newer");
}

#[test]
fn an_unknown_part_of_the_tests_is_refused() {
    let error = xtask().args(["test", "--only", "everything"]).output().unwrap();
    let text = String::from_utf8_lossy(&error.stderr).into_owned();
    assert!(text.contains("possible values: lint, native, browser"), "{text}");
}
