//! From a failed command's error output to one line that says what to do. Only causes that the user can remove are
//! listed; a compiler error speaks for itself.

/// Texts that identify a cause, and what to do about it. The first match wins.
const CAUSES: [(&[&str], &str); 4] = [
    (
        &["No space left on device", "os error 28", "ENOSPC"],
        "the disk is full: free about 15 GB (or point CARGO_TARGET_DIR at another disk), then run the same command \
         again; it continues where it stopped",
    ),
    (
        &["linker `cc` not found", "error: linker `", "could not execute process `cc"],
        "no linker was found: install a C toolchain (Debian: `apt-get install build-essential`, macOS: \
         `xcode-select --install`), then run the same command again",
    ),
    (
        &[
            "Could not resolve host",
            "Couldn't resolve host",
            "Could not connect to server",
            "Couldn't connect to server",
            "network failure seems to have happened",
            "failed to download from",
            "failed to fetch `",
            "Temporary failure in name resolution",
            "Temporary failure resolving",
            "ENOTFOUND",
            "EAI_AGAIN",
            "ECONNREFUSED",
            "npm error network",
            "No matching distribution found",
            "could not download file",
        ],
        "a download failed: check the network connection or the proxy settings, then run the same command again; \
         what is already here is kept",
    ),
    (
        &["EBADENGINE", "Unsupported engine"],
        "Node.js is too old: install version 20.19 or newer, then run the same command again",
    ),
];

/// Returns what to do about a failure, if its cause is known.
pub(crate) fn find(output: &str) -> Option<&'static str> {
    let matches = |texts: &[&str]| texts.iter().any(|text| output.contains(text));
    CAUSES.iter().find(|(texts, _)| matches(texts)).map(|&(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use std::path::Path;
    use std::process::Command;

    use super::find;

    /// Runs cargo on a small package and returns its error output.
    fn fails(manifest: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), manifest);
        let mut cargo = Command::new("cargo");
        cargo.current_dir(dir.path()).args(arguments).env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo.env("CARGO_TARGET_DIR", dir.path().join("target"));
        let output = cargo.envs(variables.iter().copied()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn write(dir: &Path, manifest: &str) {
        std::fs::create_dir(dir.join("src")).unwrap();
        std::fs::write(dir.join("src/main.rs"), "fn main() {}").unwrap();
        let head = "[package]\nname = \"example\"\nedition = \"2024\"\n[workspace]\n";
        std::fs::write(dir.join("Cargo.toml"), format!("{head}{manifest}")).unwrap();
    }

    #[test]
    fn a_missing_linker_is_recognised() {
        let variables = [("RUSTFLAGS", "-Clinker=no-such-linker")];
        let output = fails("", &["build", "--offline"], &variables);
        assert!(find(&output).unwrap().contains("no linker"), "{output}");
    }

    #[test]
    fn a_missing_network_is_recognised() {
        let home = tempfile::tempdir().unwrap();
        let variables = [
            ("CARGO_HOME", home.path().to_str().unwrap()),
            ("CARGO_HTTP_PROXY", "127.0.0.1:9"),
            ("CARGO_NET_RETRY", "0"),
        ];
        let output = fails("[dependencies]\nitoa = \"1\"\n", &["build"], &variables);
        assert!(find(&output).unwrap().contains("download failed"), "{output}");
    }

    #[test]
    fn a_full_disk_is_recognised() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            println!("skipped: this system has no /dev/full");
            return;
        }
        let error = std::fs::write(full, "text").unwrap_err().to_string();
        assert!(find(&error).unwrap().contains("disk is full"), "{error}");
    }

    #[test]
    fn a_compiler_error_is_left_as_it_is() {
        let output = fails("[lib]\npath = \"missing.rs\"\n", &["build", "--offline"], &[]);
        assert_eq!(find(&output), None, "{output}");
    }
}
