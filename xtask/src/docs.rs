//! Every `cargo xtask` command in README.md and docs/ is one that the command line accepts.

use std::fs;
use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind::{self, DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};

use crate::Cli;

/// The arguments of the commands in indented lines and in backticks.
fn commands(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    let spans = text.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    let code = lines.map(str::to_owned).chain(spans);
    let arguments = code.filter_map(|line| line.strip_prefix("cargo xtask ").map(str::to_owned));
    arguments.filter_map(|line| line.split('#').next().map(str::to_owned)).collect()
}

/// `--help`, or a group of subcommands without one, as in "`cargo xtask bench` measures …".
fn asks_for_help(kind: ErrorKind) -> bool {
    matches!(kind, DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand)
}

#[test]
fn the_documents_name_real_commands() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs"))?.map(|entry| Ok(entry?.path()));
    let docs = docs.collect::<anyhow::Result<Vec<_>>>()?;
    let (mut found, mut wrong) = (0, Vec::new());
    for path in docs.into_iter().chain([root.join("README.md")]) {
        for command in commands(&fs::read_to_string(&path)?) {
            let words = ["xtask"].into_iter().chain(command.split_whitespace());
            let error =
                Cli::try_parse_from(words).err().filter(|error| !asks_for_help(error.kind()));
            wrong.extend(error.map(|error| format!("{}: {command}: {error}", path.display())));
            found += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 10, "only {found} commands were found");
    Ok(())
}
