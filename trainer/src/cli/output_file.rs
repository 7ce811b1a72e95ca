//! Paths of files to write, checked before the work that fills them.

use std::path::{Path, PathBuf};

use crate::formats::answers::Answers;
use crate::formats::table_format::TableFormat;

/// Checks that the folder of a file exists.
pub(super) fn output_file(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => Err(format!("there is no folder {}: create it first", folder.display())),
        None => Ok(path),
    }
}

/// Checks the ending of a file of answers, and that its folder exists.
pub(super) fn answers_file(name: &str) -> Result<PathBuf, String> {
    answers(name)?;
    output_file(name)
}

/// Checks the ending of a file of answers.
pub(super) fn answers(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if !Answers::is_file_name(&path) {
        return Err(format!("the name must end in {}", TableFormat::ENDINGS));
    }
    Ok(path)
}
