//! Runs the fuzz targets on the committed corpus, on every toolchain. `cargo xtask robust fuzz` extends the corpus.

use std::path::Path;

use crate::targets;

#[test]
fn accepts_or_refuses_every_file_of_the_fuzz_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let replay = |name: &str, target: fn(&[u8])| {
        let mut count = 0;
        for entry in corpus.join(name).read_dir().unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 10, "{name} has only {count} files");
    };
    replay("image", targets::image);
    replay("bundle", targets::bundle);
    replay("single_file", targets::single_file);
    replay("labels", targets::labels);
}
