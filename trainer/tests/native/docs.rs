//! Every `trainer` command in README.md and docs/ is one that the trainer understands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs nothing: `--help` after the arguments makes the trainer check their names and values only.
const STUBS: &str = r#"
set -u
trainer() { "$TRAINER" "$@" --help >/dev/null || { echo "in: trainer $*" >&2; failed=1; }; }
cargo() { :; }
failed=0
"#;

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    docs.chain([root.join("README.md"), root.join("trainer/configs/sweep.md")]).collect()
}

/// The document's commands as a shell script: indented blocks that begin with one, and `trainer …` in backticks.
fn script(text: &str) -> String {
    let blocks = text.split("\n\n").filter(|block| {
        let begins = ["    trainer ", "    train="].iter().any(|start| block.starts_with(start));
        begins && block.lines().all(|line| line.starts_with("    "))
    });
    let spans = text.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    let spans = spans.filter(|span| span.starts_with("trainer ") && !span.contains('…'));
    blocks.map(str::to_owned).chain(spans).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_documents_name_real_commands_and_options() {
    let mut commands = 0;
    for path in documents() {
        let script = script(&fs::read_to_string(&path).unwrap());
        commands += script.matches("trainer ").count();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("{STUBS}{script}\nexit $failed"));
        let output = shell.env("TRAINER", env!("CARGO_BIN_EXE_trainer")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", path.display());
    }
    assert!(commands > 20, "only {commands} commands were found");
}
