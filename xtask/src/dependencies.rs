//! Checks licences, sources and security advisories of dependencies, with cargo-deny (`deny.toml`) and npm.

use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::step::{run, step};
use crate::tools;

/// Checks the dependencies. Returns the checks that were skipped because their database cannot be reached.
pub(crate) fn check(project: &Project) -> Result<Vec<String>> {
    let program = tools::cargo_deny(project)?;
    let deny = |what: &[&str]| {
        let mut deny = Command::new(&program);
        deny.current_dir(&project.root).args(["--log-level", "error", "check"]).args(what);
        deny
    };
    step("licences and sources of the dependencies", || {
        run(&mut deny(&["licenses", "bans", "sources"]))
    })?;
    let mut skipped = Vec::new();
    let advisories = step("advisories about crates", || output_of(&mut deny(&["advisories"])))?;
    // The only failure that is not about a crate.
    let unreachable = "failed to fetch advisory database";
    evaluate(&advisories, unreachable, "advisories about crates", &mut skipped)?;

    tools::node_packages(project)?;
    let audit = step("advisories about npm packages", || {
        let mut npm = Command::new("npm");
        output_of(
            npm.args(["audit", "--audit-level=high", "--loglevel=error"])
                .current_dir(project.node()),
        )
    })?;
    evaluate(
        &audit,
        "audit endpoint returned an error",
        "advisories about npm packages",
        &mut skipped,
    )?;
    Ok(skipped)
}

fn output_of(command: &mut Command) -> Result<(Output, String)> {
    let output = command.output().context("the command cannot be started")?;
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok((output, text))
}

fn evaluate(
    (output, text): &(Output, String),
    unreachable: &str,
    what: &str,
    skipped: &mut Vec<String>,
) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    if !text.contains(unreachable) {
        bail!("{what}:\n{text}");
    }
    println!("    skipped: their database cannot be reached");
    skipped.push(format!("{what}: their database cannot be reached"));
    Ok(())
}
