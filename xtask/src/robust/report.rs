//! `docs/robustness.md`: one section for each part, replaced whenever that part runs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::step::output;

/// Replaces the section under `## heading` with `body`, or appends it.
pub(super) fn write(project: &Project, heading: &str, command: &str, body: &str) -> Result<()> {
    let path = project.root.join("docs/robustness.md");
    let old = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let commit = output(Command::new("git").current_dir(&project.root).args([
        "rev-parse",
        "--short",
        "HEAD",
    ]));
    let date = output(Command::new("date").arg("+%Y-%m-%d")).unwrap_or_default();
    let version = commit.map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let section = format!("## {heading}\n\n`{command}`, {date}{version}\n\n{}\n", body.trim_end());
    let new = replaced(&old, heading, &section);
    let draft = path.with_extension("md.tmp");
    std::fs::write(&draft, new)?;
    std::fs::rename(&draft, &path)?;
    println!("    wrote the results to {}", path.display());
    Ok(())
}

/// Formats a Markdown table.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|cell| (*cell).into()).collect());
    text += &line(head.iter().map(|_| "---".into()).collect());
    rows.iter().for_each(|row| text += &line(row.clone()));
    text
}

fn replaced(text: &str, heading: &str, section: &str) -> String {
    let mut sections: Vec<String> = Vec::new();
    for line in text.lines() {
        if sections.is_empty() || line.starts_with("## ") {
            sections.push(String::new());
        }
        if let Some(last) = sections.last_mut() {
            *last += line;
            *last += "\n";
        }
    }
    let title = format!("## {heading}\n");
    match sections.iter_mut().find(|section| section.starts_with(&title)) {
        Some(old) => *old = section.to_owned(),
        None => sections.push(section.to_owned()),
    }
    sections.iter().map(|section| section.trim_end()).collect::<Vec<_>>().join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_replaces_the_old_one() {
        let text = "# Title\n\nWords.\n\n## A\n\nold\n\n## B\n\nstays\n";
        let text = replaced(text, "A", "## A\n\nnew\n");
        assert_eq!(text, "# Title\n\nWords.\n\n## A\n\nnew\n\n## B\n\nstays\n");
        assert!(replaced(&text, "C", "## C\n\nmore\n").ends_with("stays\n\n## C\n\nmore\n"));
    }
}
