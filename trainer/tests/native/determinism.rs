//! Training is deterministic: the same seed, posters and device give the same results.

use crate::synthetic_posters::{PosterFolder, json, log, succeeded, trainer};

#[test]
fn the_same_seed_gives_bit_identical_weights_on_the_cpu() {
    let data = PosterFolder::new();
    let lite = [
        "--set",
        "architecture={name='efficientnet-lite0', dropout=0.2, drop_path=0.1}",
        "--set",
        "augment.mixup=0.2",
    ];
    for (architecture, more) in [("seed-cnn", &[][..]), ("efficientnet-lite0", &lite[..])] {
        let train = |out: &str, seed: &str| {
            let epochs = if more.is_empty() { "6" } else { "2" };
            let mut arguments = vec!["--epochs", epochs, "--seed", seed];
            arguments.extend(more);
            let out = format!("{architecture}-{out}");
            succeeded(data.train(&out, &arguments));
            let mut export = trainer(&["export", "--device", "cpu", "--weights", "half", "--run"]);
            export.arg(data.path(&out)).arg("--out").arg(data.path(&format!("{out}-bundle")));
            succeeded(export.output().unwrap());
            let manifest = json(&data.path(&format!("{out}-bundle/model.json")));
            let weights = manifest["weights"]["sha256"].as_str().unwrap().to_owned();
            let numbers: Vec<(f64, f64)> =
                log(&data.path(&out)).iter().map(|line| (line.2, line.3)).collect();
            (numbers, weights)
        };
        let (first, again, other) = (train("first", "3"), train("again", "3"), train("other", "4"));
        assert_eq!(first.0, again.0, "{architecture}: losses and accuracies");
        assert_eq!(first.1, again.1, "{architecture}: hashes of the weights");
        assert_ne!(first.0, other.0, "{architecture}: the seed has no effect");
        println!(
            "figure: {architecture}, trained twice with the same seed: losses, accuracies and weights are bit-identical"
        );
    }
}
