//! `trainer train --resume` of a run that is not interrupted but finished or changed: early stopping, more epochs, more
//! posters, and the step-level log.

use std::fs;
use std::path::Path;

use crate::synthetic_posters::{PosterFolder, failed, log, succeeded, trainer};

fn resume(run: &Path, more: &[&str]) -> std::process::Output {
    let mut command = trainer(&["train", "--device", "cpu", "--resume"]);
    command.arg(run).args(more).output().unwrap()
}

/// The rows of `steps.csv`: epoch, step, loss, learning rate, posters per second.
fn steps(run: &Path) -> Vec<[f64; 5]> {
    let text = fs::read_to_string(run.join("steps.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("epoch,step,loss,learning_rate,posters_per_second"));
    let row =
        |line: &str| -> Vec<f64> { line.split(',').map(|cell| cell.parse().unwrap()).collect() };
    lines.map(|line| row(line).try_into().unwrap()).collect()
}

#[test]
fn a_resumed_run_stops_as_early_as_an_uninterrupted_one() {
    let data = PosterFolder::new();
    // So low a learning rate does not change the loss: the first epoch stays the best one.
    let settings = ["--learning-rate", "1e-12", "--set", "patience=3", "--set"];
    let settings = [&settings[..], &["architecture.norm_momentum=1e-12", "--epochs"]].concat();
    succeeded(data.train("uninterrupted", &[&settings[..], &["9"]].concat()));
    succeeded(data.train("resumed", &[&settings[..], &["2"]].concat()));
    let run = data.path("resumed");
    let printed = succeeded(resume(&run, &["--epochs", "9"]));
    assert!(printed.contains("resuming after epoch 2 of 9"), "{printed}");
    let epochs = |run: &Path| log(run).last().unwrap().0;
    assert_eq!((epochs(&data.path("uninterrupted")), epochs(&run)), (4, 4));
    let printed = succeeded(resume(&run, &[]));
    assert!(printed.contains("is finished after 4 epochs"), "{printed}");
}

#[test]
fn resuming_extends_the_epochs_of_a_finished_run_and_continues_its_step_log() {
    let data = PosterFolder::new();
    let settings = ["--set", "log_steps=4", "--epochs"];
    succeeded(data.train("run", &[&settings[..], &["1"]].concat()));
    let run = data.path("run");
    let printed = failed(resume(&run, &["--epochs", "0"]));
    assert!(printed.contains("has finished 1 epochs already"), "{printed}");
    succeeded(resume(&run, &["--epochs", "3"]));
    assert_eq!(log(&run).len(), 6);
    assert!(fs::read_to_string(run.join("config.toml")).unwrap().contains("epochs = 3"));

    // 48 posters in batches of 8 are 6 steps an epoch: a row after the fourth, and one for the rest.
    let steps = steps(&run);
    let numbers: Vec<[f64; 2]> = steps.iter().map(|row| [row[0], row[1]]).collect();
    let expected = [[1.0, 4.0], [1.0, 6.0], [2.0, 10.0], [2.0, 12.0], [3.0, 16.0], [3.0, 18.0]];
    assert_eq!(numbers, expected);
    assert!(steps.iter().all(|row| row[3] == 3e-3 && row[4] > 0.0), "{steps:?}");
    // The rows of an epoch average to the epoch's loss in the log: 32 posters, then 16.
    for (rows, line) in steps.chunks(2).zip(log(&run).iter().filter(|line| line.1 == "train")) {
        let mean = (rows[0][2] * 32.0 + rows[1][2] * 16.0) / 48.0;
        assert!((mean - line.2).abs() < 1e-4, "{mean} is not {}", line.2);
    }
}

#[test]
fn a_resumed_run_keeps_its_stored_split_when_posters_are_added() {
    let data = PosterFolder::new();
    data.edit_csv("tt0009,\"['x']\",1,1,0\n", "");
    succeeded(data.train("run", &["--epochs", "1"]));
    let ids = |name: &str| fs::read_to_string(data.path("run").join(name)).unwrap();
    let before = ["train.txt", "valid.txt", "test.txt"].map(ids);
    data.edit_csv("tt0010,", "tt0009,\"['x']\",1,1,0\ntt0010,");
    let printed = succeeded(resume(&data.path("run"), &["--epochs", "2"]));
    assert!(printed.contains("1 posters were added since the run began"), "{printed}");
    assert!(printed.contains("47 posters to train on, 12 held out"), "{printed}");
    assert_eq!(["train.txt", "valid.txt", "test.txt"].map(ids), before);
    assert_eq!(log(&data.path("run")).len(), 4);
}
