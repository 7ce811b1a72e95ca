//! README.md and docs/: links lead somewhere, named files exist, and examples are those that are tested.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of the repository; text that starts with one of them names a file.
const FOLDERS: [&str; 11] = [
    "src/", "trainer/", "www/", "tests/", "docs/", "xtask/", "fuzz/", "benches/", ".github/",
    ".cargo/", ".ci/",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths and texts of the documents.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    paths.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_readme_has_at_most_130_lines_of_110_characters() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 130, "{} lines", readme.lines().count());
    let long: Vec<&str> = readme.lines().filter(|line| line.chars().count() > 110).collect();
    assert!(long.is_empty(), "longer than 110 characters: {long:#?}");
}

#[test]
fn links_lead_to_files_and_headings() {
    for (path, text) in documents() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.with_file_name("").join(file) };
            assert!(target.exists(), "{}: {link}", path.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.any(|found| found == heading), "{}: {link}", path.display());
            }
        }
    }
}

#[test]
fn named_files_exist() {
    // The changelog names files that have moved.
    for (path, text) in documents().into_iter().filter(|(path, _)| !path.ends_with("CHANGELOG.md"))
    {
        let words = text.split(|c: char| c.is_whitespace() || "`()[],|\"'#".contains(c));
        let files = words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)));
        // The build makes www/pkg; `*` and `<` stand for any name.
        let files = files.map(|word| word.trim_end_matches(['.', ':', ';']));
        let files =
            files.filter(|file| !file.starts_with("www/pkg") && !file.contains(['*', '<', '…']));
        let missing: Vec<&str> = files.filter(|file| !root().join(file).exists()).collect();
        assert!(missing.is_empty(), "{} names missing files: {missing:?}", path.display());
    }
}

/// Lines inside blocks fenced as `language`.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_rust_example_of_the_readme_classifies_a_poster() -> Result<(), Box<dyn std::error::Error>> {
    let poster = root().join("www/samples/lighthouse.jpg");

    let classifier = marquee::Classifier::open("www/model")?; // or a bundle in one file
    let genres = pollster::block_on(classifier.classify(&std::fs::read(poster)?))?;

    assert_eq!(genres.len(), 24);
    assert!(genres[0].probability > genres[23].probability);
    let example = fenced(&fs::read_to_string(root().join("README.md"))?, "rust");
    assert_eq!(example.len(), 2);
    assert!(example.iter().all(|line| include_str!("docs.rs").contains(line.as_str())));
    Ok(())
}

#[test]
fn the_javascript_example_of_the_readme_is_the_one_of_the_package() {
    // The end-to-end tests run the first example of the package's README (tests/e2e/consumers.test.mjs).
    let example = |path: &str| {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let block = text.split("```html\n").nth(1).unwrap();
        block.split("```").next().unwrap().to_owned()
    };
    assert_eq!(example("README.md"), example("www/marquee/README.md"));
}

#[test]
fn the_javascript_examples_call_existing_functions() {
    let web = fs::read_dir(root().join("src/web")).unwrap().map(|entry| entry.unwrap().path());
    let web: String = web.filter_map(|path| fs::read_to_string(path).ok()).collect();
    for (path, text) in documents() {
        let script = fenced(&text, "js").join("\n");
        for object in ["FineTuner.", "tuner.", "Classifier.", "classifier."] {
            for rest in script.split(object).skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                let exists = web.contains(&format!("fn {name}("))
                    || web.contains(&format!("js_name = {name}"));
                assert!(exists, "{}: {object}{name}", path.display());
            }
        }
    }
}

/// Who only classifies compiles no Burn: the crate's default features have none.
#[test]
fn the_default_features_compile_no_burn() {
    let tree = std::process::Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--package",
            "marquee",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("image v"), "{tree}");
    let burn: Vec<&str> = tree.lines().filter(|line| line.starts_with("burn")).collect();
    assert!(burn.is_empty(), "{burn:?}");
}
