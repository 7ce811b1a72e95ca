//! The trainer when it is killed at random moments, when the disk is full, and when a folder is read-only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::synthetic_posters::{PosterFolder, failed, json, log, succeeded, trainer};

/// Kills per test.
const KILLS: usize = 20;

/// Epochs of the run that is killed.
const EPOCHS: &str = "120";

/// Largest difference between the losses of a resumed and an uninterrupted run. Each epoch starts with the same
/// weights, poster order and random draws; only the order of floating-point sums may differ.
const TOLERANCE: f64 = 1e-4;

/// Starts a command and kills it after `delay`, unless it has ended by then.
fn kill_after(command: &mut Command, delay: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_run_killed_at_twenty_random_moments_ends_with_the_losses_of_an_uninterrupted_one() {
    let data = PosterFolder::new();
    let started = Instant::now();
    succeeded(data.train("uninterrupted", &["--epochs", EPOCHS]));
    let took = started.elapsed();

    let run = data.path("killed");
    let epochs = || {
        let log = fs::read_to_string(run.join("log.jsonl")).unwrap_or_default();
        log.lines().filter(|line| line.contains("valid")).count()
    };
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut done = Vec::new();
    while done.len() < KILLS {
        let mut command = if run.join("config.toml").exists() {
            let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
            resume.arg(&run);
            resume
        } else {
            let mut begin = trainer(&["train", "--device", "cpu", "--epochs", EPOCHS, "--data"]);
            begin.arg(data.dir.path()).arg("--config").arg(data.path("config.toml"));
            begin.arg("--out").arg(&run);
            begin
        };
        // Some kills come before the first step, some epochs later. Counting epochs instead of seconds makes the test
        // independent of the machine's load.
        let (more, delay) = (random.random_range(0..4), random.random_range(0..300));
        let until = epochs() + more;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while epochs() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(delay));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        done.push(epochs());
    }
    let kills = done.len();
    assert_eq!(kills, KILLS, "the run finished too early: {done:?}");
    assert!(done.iter().any(|&epochs| epochs > 2), "{done:?}");

    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    succeeded(resume.arg(&run).output().unwrap());
    let (resumed, uninterrupted) = (log(&run), log(&data.path("uninterrupted")));
    assert_eq!(resumed.len(), uninterrupted.len(), "{resumed:?}");
    let mut worst: f64 = 0.0;
    for (resumed, uninterrupted) in resumed.iter().zip(&uninterrupted) {
        assert_eq!((resumed.0, &resumed.1), (uninterrupted.0, &uninterrupted.1));
        worst = worst.max((resumed.2 - uninterrupted.2).abs());
    }
    assert!(worst < TOLERANCE, "a loss differs by {worst}");
    let temporary_files = |dir: &Path| {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| name.contains("tmp"))
            .collect::<Vec<_>>()
    };
    let left = [temporary_files(&run), temporary_files(&run.join("checkpoint"))].concat();
    assert!(left.is_empty(), "temporary files of killed runs are left: {left:?}");
    println!(
        "figure: training for {EPOCHS} epochs ({:.1} s), killed {kills} times at random, after {done:?} epochs: largest difference of a loss from the uninterrupted run {worst:.0e}",
        took.as_secs_f64()
    );
}

#[test]
fn an_export_killed_at_random_moments_leaves_the_old_or_the_new_bundle() {
    let data = PosterFolder::new();
    succeeded(data.train("one", &["--epochs", "1"]));
    succeeded(data.train("two", &["--epochs", "2", "--seed", "5"]));
    let bundle = data.path("bundle");
    let export = |run: &str| {
        let mut export = trainer(&["export", "--device", "cpu", "--run"]);
        export.arg(data.path(run)).arg("--out").arg(&bundle);
        export
    };
    let hash =
        || json(&bundle.join("model.json"))["weights"]["sha256"].as_str().unwrap().to_owned();
    let started = Instant::now();
    succeeded(export("one").output().unwrap());
    let took = started.elapsed();
    let one = hash();
    succeeded(export("two").output().unwrap());
    let two = hash();
    assert_ne!(one, two);

    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut seen = [0, 0];
    for kill in 0..KILLS {
        let run = ["one", "two"][kill % 2];
        kill_after(&mut export(run), took.mul_f64(random.random_range(0.4..1.6)));
        let found = hash();
        let which = [&one, &two].iter().position(|hash| **hash == found);
        seen[which.expect("neither the old manifest nor the new one")] += 1;
        // The weights are complete and match the manifest.
        let mut predict = trainer(&["predict", "--device", "cpu", "--bundle"]);
        predict.arg(&bundle).arg(data.path("Images/tt0000.png"));
        succeeded(predict.output().unwrap());
    }
    println!(
        "figure: export over another bundle, killed {KILLS} times at random: one bundle {} times, the other {} times, never a mixture",
        seen[0], seen[1]
    );
}

/// A small disk (tmpfs) that is mounted on a folder.
struct Disk(PathBuf);

impl Disk {
    /// Returns `None` if the user may not mount disks.
    fn mount(at: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(&at);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            println!("figure: skipped: only root may mount a small or read-only disk");
        }
        mounted.then_some(Self(at))
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn training_stops_on_a_full_disk_and_resumes_once_there_is_space() {
    let data = PosterFolder::new();
    succeeded(data.train("uninterrupted", &["--epochs", "8"]));
    let Some(disk) = Disk::mount(data.path("small"), "size=200k") else { return };
    let printed = failed(data.train("small/run", &["--epochs", "8"]));
    assert!(printed.contains("No space left on device"), "{printed}");
    assert!(printed.contains("small"), "{printed}");
    disk.remount("remount,size=20m");
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    succeeded(resume.arg(data.path("small/run")).output().unwrap());
    let (resumed, uninterrupted) = (log(&data.path("small/run")), log(&data.path("uninterrupted")));
    assert_eq!(resumed.len(), uninterrupted.len());
    assert!(resumed.iter().zip(&uninterrupted).all(|(a, b)| (a.2 - b.2).abs() < TOLERANCE));

    // A failed export leaves the old bundle.
    let bundle = data.path("small/bundle");
    let export = || {
        let mut export = trainer(&["export", "--device", "cpu", "--run"]);
        export.arg(data.path("uninterrupted")).arg("--out").arg(&bundle).output().unwrap()
    };
    succeeded(export());
    let before = fs::read(bundle.join("model.json")).unwrap();
    let blocks = Command::new("dd")
        .args(["if=/dev/zero", "bs=1k"])
        .arg(format!("of={}", data.path("small/full").display()))
        .stderr(Stdio::null())
        .status();
    assert!(!blocks.unwrap().success(), "the disk must be full");
    let printed = failed(export());
    assert!(
        printed.contains("No space left on device") && printed.contains("small/bundle"),
        "{printed}"
    );
    assert_eq!(fs::read(bundle.join("model.json")).unwrap(), before);
    println!(
        "figure: full disk: training stops with the reason and resumes once there is space; an export leaves the old bundle"
    );
}

#[test]
fn errors_name_a_read_only_folder_and_leave_its_files() {
    let data = PosterFolder::new();
    succeeded(data.train("uninterrupted", &["--epochs", "2"]));
    let Some(disk) = Disk::mount(data.path("fixed"), "size=20m") else { return };
    succeeded(data.train("fixed/run", &["--epochs", "1"]));
    let config = data.path("fixed/run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 1", "epochs = 2")).unwrap();
    let log_before = fs::read(data.path("fixed/run/log.jsonl")).unwrap();
    disk.remount("remount,ro");
    let printed = failed(data.train("fixed/other", &[]));
    assert!(
        printed.contains("fixed/other") && printed.contains("Read-only file system"),
        "{printed}"
    );
    let resume = || {
        let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
        resume.arg(data.path("fixed/run")).output().unwrap()
    };
    let printed = failed(resume());
    assert!(
        printed.contains("fixed/run") && printed.contains("Read-only file system"),
        "{printed}"
    );
    assert_eq!(fs::read(data.path("fixed/run/log.jsonl")).unwrap(), log_before);
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    export.arg(data.path("uninterrupted")).arg("--out").arg(data.path("fixed/bundle"));
    let printed = failed(export.output().unwrap());
    assert!(
        printed.contains("fixed/bundle") && printed.contains("Read-only file system"),
        "{printed}"
    );
    disk.remount("remount,rw");
    succeeded(resume());
    println!(
        "figure: read-only folder: train, resume and export fail with the reason and change nothing"
    );
}
