//! The help pages, and former names of commands and options.

use crate::synthetic_posters::{succeeded, trainer};

#[test]
fn help_pages_show_examples() {
    for command in [
        "fetch",
        "unpack",
        "labels",
        "train",
        "sweep",
        "evaluate",
        "export",
        "onnx",
        "predict",
        "fine-tune",
    ] {
        let printed = succeeded(trainer(&[command, "--help"]).output().unwrap());
        assert!(printed.contains("Example"), "{command}: {printed}");
        assert!(printed.contains(&format!("\n  trainer {command} ")), "{command}: {printed}");
    }
}

/// `--help` after the arguments checks their names and values, and runs nothing.
#[test]
fn accepts_former_names_of_commands_and_options() {
    for arguments in [
        &["finetune", "--data", "posters", "--out", "tuned", "--aside", "0.1"][..],
        &["fetch", "--out", "posters", "--patience", "30"],
        &["study", "--data", "posters", "--side", "valid", "--only", "again"],
        &["study", "--data", "posters", "--only", "grey"],
    ] {
        succeeded(trainer(arguments).arg("--help").output().unwrap());
    }
}
