//! The npm package `@marquee/web`, in `target/npm`: a folder for `npm pack`. Its files lie as in `www/`, so that the code
//! finds wasm and model in the same places.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::Project;

/// What npm knows of the package. The order in `exports` counts: the first condition that holds is used.
const DESCRIPTION: &str = include_str!("npm/package.json");

/// The folders of `www/` that belong to it.
const FOLDERS: [&str; 3] = ["marquee", "pkg", "model"];

/// npm takes a file LICENSE by itself, these two only because the description lists them.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Writes the package; a package of an earlier build is replaced as a whole.
pub(crate) fn write(project: &Project) -> Result<()> {
    let folder = folder(project);
    let draft = folder.with_extension("draft");
    for old in [&draft, &folder] {
        if old.exists() {
            std::fs::remove_dir_all(old).with_context(|| old.display().to_string())?;
        }
    }
    std::fs::create_dir_all(&draft).with_context(|| draft.display().to_string())?;
    for name in FOLDERS {
        copy(&project.www().join(name), &draft.join(name))?;
    }
    for name in LICENCES {
        copy(&project.root.join(name), &draft.join(name))?;
    }
    copy(&project.www().join("marquee/README.md"), &draft.join("README.md"))?;
    std::fs::write(draft.join("package.json"), DESCRIPTION.replace("VERSION", &project.version))?;
    std::fs::rename(&draft, &folder).with_context(|| folder.display().to_string())
}

/// Folder of the package.
pub(crate) fn folder(project: &Project) -> PathBuf {
    project.target.join("npm")
}

/// Copies a file, or a folder with everything in it that belongs to the package.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to).with_context(|| from.display().to_string())?;
        return Ok(());
    }
    std::fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in from.read_dir().with_context(|| from.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Those of the wasm packages, and the page's own list.
        let is_of_another = ["package.json", "files.js", "README.md"].contains(&name.as_ref())
            || name.ends_with(".safetensors"); // the compressed weights are enough
        if !is_of_another && !name.starts_with('.') {
            copy(&path, &to.join(name.as_ref()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use std::fs;

    use serde_json::Value;

    use super::{folder, write};
    use crate::project::Project;

    #[test]
    fn the_package_has_code_wasm_model_types_and_licences_and_nothing_of_the_page() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for path in [
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "www/index.html",
            "www/marquee/index.js",
            "www/marquee/api.d.ts",
            "www/marquee/README.md",
            "www/pkg/files.js",
            "www/pkg/assets.js",
            "www/pkg/cpu/marquee_bg.wasm",
            "www/pkg/cpu/marquee.d.ts",
            "www/pkg/cpu/package.json",
            "www/pkg/.gpu/marquee.js",
            "www/model/model.json",
            "www/model/mine.safetensors",
            "www/pkg/mine.safetensors.zlib",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), path).unwrap();
        }
        let target = root.join("target");
        let project = Project { root: root.into(), target, version: "1.2.3".into() };
        write(&project).unwrap();
        write(&project).unwrap(); // over the package of an earlier build

        let package = folder(&project);
        let description: Value =
            serde_json::from_slice(&fs::read(package.join("package.json")).unwrap()).unwrap();
        assert_eq!(description["version"], "1.2.3");
        assert!(package.join("marquee/api.d.ts").exists());
        assert!(package.join("pkg/assets.js").exists());
        assert!(package.join("pkg/cpu/marquee_bg.wasm").exists());
        assert!(package.join("pkg/cpu/marquee.d.ts").exists());
        assert!(package.join("model/model.json").exists());
        assert!(package.join("README.md").exists());
        assert!(package.join("LICENSE-APACHE").exists());
        assert!(package.join("pkg/mine.safetensors.zlib").exists());
        for absent in [
            "model/mine.safetensors",
            "pkg/files.js",
            "pkg/cpu/package.json",
            "pkg/.gpu",
            "index.html",
            "marquee/README.md",
        ] {
            assert!(!package.join(absent).exists(), "{absent}");
        }
    }
}
