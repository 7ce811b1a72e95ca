//! The robustness tests of `cargo xtask test`, by theme, with their measurements: output lines that begin with
//! "figure: ".

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::report;
use crate::project::Project;
use crate::step::step;
use crate::test::{PageTests, untrusted};

/// The tests of one theme.
struct Suite {
    name: &'static str,
    heading: &'static str,
    /// Modules of the native tests, of the crate or the trainer.
    native: &'static [&'static str],
    /// Files of the page's tests, each with a pattern of test names.
    page: &'static [(&'static str, &'static str)],
}

const SUITES: [Suite; 7] = [
    Suite {
        name: "files",
        heading: "A hundred bad files",
        native: &["untrusted"],
        page: &[
            ("many.test.mjs", "a hundred untrusted files"),
            ("page.test.mjs", "is refused with the reason|unusual but valid"),
        ],
    },
    Suite {
        name: "memory",
        heading: "Memory limits",
        native: &["memory"],
        page: &[("memory.test.mjs", "")],
    },
    Suite {
        name: "devices",
        heading: "Failing devices",
        native: &[],
        page: &[
            ("page.test.mjs", "the page uses the CPU and shows why"),
            ("teach.test.mjs", "restarts on the CPU"),
        ],
    },
    Suite {
        name: "kills",
        heading: "Kills, full disks and read-only folders",
        native: &["interruptions"],
        page: &[],
    },
    Suite { name: "fetch", heading: "Downloads", native: &["fetch"], page: &[] },
    Suite {
        name: "security",
        heading: "Web security",
        native: &["bundle", "fuzz"],
        page: &[("security.test.mjs", ""), ("page.test.mjs", "a broken bundle")],
    },
    Suite { name: "determinism", heading: "Determinism", native: &["determinism"], page: &[] },
];

pub(super) fn run(project: &Project, only: Option<&str>) -> Result<()> {
    let suites: Vec<_> =
        SUITES.iter().filter(|suite| only.is_none_or(|only| only == suite.name)).collect();
    ensure!(!suites.is_empty(), "there is no such suite; see --help");
    let page = suites
        .iter()
        .any(|suite| !suite.page.is_empty())
        .then(|| PageTests::prepare(project))
        .transpose()?;
    for Suite { name, heading, native, page: files } in suites {
        let mut said = String::new();
        for module in *native {
            let mut cargo = Command::new("cargo");
            cargo
                .current_dir(&project.root)
                .args(["test", "--quiet", "--workspace", "--test", "native"])
                .args(["--", "--format=pretty", "--show-output", &format!("{module}::")])
                .env("MARQUEE_UNTRUSTED", untrusted(project));
            said += &step(&format!("native tests, {module}"), || passed(&mut cargo))?;
        }
        for (file, pattern) in *files {
            let Some(page) = &page else { continue };
            let mut node = page.script();
            node.args(["--test", "--test-concurrency=1", "--test-reporter=tap"]);
            if !pattern.is_empty() {
                node.arg(format!("--test-name-pattern={pattern}"));
            }
            said += &step(&format!("tests of the page, {file}"), || passed(node.arg(file)))?;
        }
        let rows = tests(&said);
        ensure!(!rows.is_empty(), "no test of {name} ran");
        let mut body = report::table(&["test", "passed"], &rows);
        let figures = figures(&said);
        if !figures.is_empty() {
            body += "\n";
            figures.iter().for_each(|figure| body += &format!("- {figure}\n"));
        }
        report::write(
            project,
            heading,
            &format!("cargo xtask robust suites --only {name}"),
            &body,
        )?;
    }
    Ok(())
}

/// Returns the output of tests that pass.
///
/// # Errors
/// A test fails.
fn passed(tests: &mut Command) -> Result<String> {
    let output = tests.stderr(Stdio::inherit()).output().context("the tests cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(said)
}

/// Returns the names of the tests that passed, from cargo's output and from TAP without its suites.
fn tests(said: &str) -> Vec<Vec<String>> {
    let mut lines = said.lines().peekable();
    let mut rows = Vec::new();
    while let Some(line) = lines.next() {
        let name = if let Some(name) = line.strip_prefix("test ") {
            let name = name.strip_suffix(" ... ok");
            name.map(|name| name.rsplit("::").next().unwrap_or(name).replace('_', " "))
        } else if let Some((_, name)) =
            line.trim_start().strip_prefix("ok ").and_then(|l| l.split_once(" - "))
        {
            let about = lines.by_ref().take_while(|line| line.trim() != "...");
            let about: Vec<&str> = about.map(str::trim).collect();
            (!about.contains(&"type: 'suite'") && !name.contains("# SKIP")).then(|| name.into())
        } else {
            None
        };
        rows.extend(
            name.map(|name| vec![name.replace('|', "\\|").replace('<', "&lt;"), "yes".into()]),
        );
    }
    rows
}

fn figures(said: &str) -> Vec<&str> {
    let lines = said.lines().map(|line| line.trim_start_matches(['#', ' ']));
    lines.filter_map(|line| line.strip_prefix("figure: ")).collect()
}
