//! `trainer sweep` on synthetic posters.

use std::fs;

use crate::efficientnet::posters_with;
use crate::synthetic_posters::{CONFIG, succeeded, trainer};

#[test]
fn a_sweep_ranks_its_trials_and_continues() {
    let data = posters_with(CONFIG);
    let sweep = format!(
        "config = {:?}\nseed = 1\n[search]\nlearning_rate = {{ low = 1e-4, high = 1e-2, log = true }}\n\
         \"architecture.dropout\" = [0.1, 0.3]\n",
        data.path("config.toml")
    );
    fs::write(data.path("sweep.toml"), sweep).unwrap();
    let run = |trials: &str| {
        let mut sweep = trainer(&["sweep", "--device", "cpu", "--epochs", "1", "--trials", trials]);
        sweep.arg("--data").arg(data.dir.path()).arg("--out").arg(data.path("sweep"));
        succeeded(sweep.arg("--config").arg(data.path("sweep.toml")).output().unwrap())
    };
    run("2");
    let printed = run("3");
    assert!(printed.contains("is finished"), "the first two trials are not repeated: {printed}");
    let table = fs::read_to_string(data.path("sweep/table.md")).unwrap();
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains("architecture.dropout") && table.contains("learning_rate"), "{table}");
    let losses: Vec<f64> = table
        .lines()
        .skip(2)
        .map(|line| line.split('|').nth(3).unwrap().trim().parse().unwrap())
        .collect();
    assert!(losses.is_sorted(), "{table}");
}
