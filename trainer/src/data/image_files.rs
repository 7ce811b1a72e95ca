//! The image files that a command line names: files, folders, and lists of either.

use std::fs::File;
use std::io::{BufRead, BufReader, stdin};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use walkdir::WalkDir;

/// Endings of the files that are taken from folders, in lower case.
const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "gif"];

/// An image file, or why a name leads to none.
pub(crate) type ImageFile = Result<PathBuf, (String, anyhow::Error)>;

/// Lists files as they are named, and the images in each folder and its subfolders, sorted by name. Folders are read
/// when their turn comes.
pub(crate) fn files(
    paths: impl Iterator<Item = Result<PathBuf>>,
) -> impl Iterator<Item = ImageFile> {
    paths.flat_map(|path| -> Box<dyn Iterator<Item = ImageFile> + Send> {
        match path {
            Ok(path) if path.is_dir() => Box::new(folder(&path)),
            Ok(path) => Box::new(std::iter::once(Ok(path))),
            Err(error) => Box::new(std::iter::once(Err(("the list".into(), error)))),
        }
    })
}

fn folder(dir: &Path) -> impl Iterator<Item = ImageFile> + use<> {
    let name = dir.display().to_string();
    let mut found = 0;
    let mut entries = WalkDir::new(dir).follow_links(true).sort_by_file_name().into_iter();
    std::iter::from_fn(move || {
        loop {
            match entries.next() {
                Some(Ok(entry)) if is_image(entry.path()) && !entry.file_type().is_dir() => {
                    found += 1;
                    return Some(Ok(entry.into_path()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    found += 1;
                    let path = error.path().map(|path| path.display().to_string());
                    return Some(Err((path.unwrap_or_else(|| name.clone()), error.into())));
                }
                None if found == 0 => {
                    found = 1;
                    let endings = EXTENSIONS.join(", .");
                    let error = anyhow!("there is no image in this folder (.{endings})");
                    return Some(Err((name.clone(), error)));
                }
                None => return None,
            }
        }
    })
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&&*extension.to_ascii_lowercase()))
}

/// Reads a list of paths, one per line, from a file or, for `-`, from standard input. Blank lines are ignored. Lines
/// are read when their turn comes, so that another program may still be writing them.
///
/// # Errors
/// Fails if the file cannot be opened. A line that cannot be read is an error in its place.
pub(crate) fn listed(list: &Path) -> Result<Box<dyn Iterator<Item = Result<PathBuf>> + Send>> {
    let reader: Box<dyn BufRead + Send> = if list == Path::new("-") {
        Box::new(BufReader::new(stdin()))
    } else {
        let file = File::open(list).with_context(|| format!("--list {}", list.display()))?;
        Box::new(BufReader::new(file))
    };
    let mut failed = false;
    let lines = reader.lines().take_while(move |line| {
        // After an error, the reader may return it forever.
        let go_on = !failed;
        failed |= line.is_err();
        go_on
    });
    let named = lines.filter(|line| line.as_ref().map_or(true, |line| !line.trim().is_empty()));
    Ok(Box::new(named.map(|line| Ok(PathBuf::from(line?.trim_end_matches('\r'))))))
}
