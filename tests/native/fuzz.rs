//! What the fuzzers have found worth keeping goes through the same functions again, on every toolchain.
//! `cargo xtask robust fuzz` looks for more.

use std::path::Path;

#[test]
fn the_kept_corpus_is_answered_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let replay = |name: &str, target: fn(&[u8])| {
        let mut count = 0;
        for entry in corpus.join(name).read_dir().unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&std::fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 10, "{name} has {count} files only");
    };
    replay("picture", targets::picture);
    replay("bundle", targets::bundle);
    replay("taught", targets::taught);
    replay("labels", targets::labels);
}
