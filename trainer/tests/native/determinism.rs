//! The same seed, posters and device train to the same numbers.

use crate::synthetic_posters::{Data, json, log, succeeded, trainer};

#[test]
fn the_same_seed_trains_to_the_same_weights_on_the_cpu() {
    let data = Data::paint();
    let lite = [
        "--set",
        "architecture={name='efficientnet-lite0', dropout=0.2, drop_path=0.1}",
        "--set",
        "augment.mixup=0.2",
    ];
    for (what, more) in [("seed-cnn", &[][..]), ("efficientnet-lite0", &lite[..])] {
        let train = |out: &str, seed: &str| {
            let epochs = if more.is_empty() { "6" } else { "2" };
            let mut arguments = vec!["--epochs", epochs, "--seed", seed];
            arguments.extend(more);
            let out = format!("{what}-{out}");
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
        assert_eq!(first.0, again.0, "{what}: losses and accuracies");
        assert_eq!(first.1, again.1, "{what}: the weights' hashes");
        assert_ne!(first.0, other.0, "{what}: the seed changes nothing");
        println!(
            "figure: {what}, the same seed twice: losses, accuracies and weights equal to the last bit"
        );
    }
}
