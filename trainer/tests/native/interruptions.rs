//! The trainer where it ends hard: killed at random moments, on a full disk, in a folder that cannot be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::synthetic_posters::{Data, failed, json, log, succeeded, trainer};

const KILLS: usize = 20;

const EPOCHS: &str = "120";

/// Largest difference of a loss from the unbroken run's. A resumed run begins each epoch with the same weights,
/// order and draws; only sums over batches may be added in another order.
const NOISE: f64 = 1e-4;

/// Starts a command and kills it after `moment`, unless it has ended by then.
fn kill_after(command: &mut Command, moment: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(moment);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_training_killed_at_twenty_random_moments_ends_as_the_unbroken_one() {
    let data = Data::paint();
    let started = Instant::now();
    succeeded(data.train("unbroken", &["--epochs", EPOCHS]));
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
        // Some before the first step, some epochs later; by epochs and not by time, whatever else the machine does.
        let (more, moment) = (random.random_range(0..4), random.random_range(0..300));
        let until = epochs() + more;
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while epochs() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(moment));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        done.push(epochs());
    }
    let kills = done.len();
    assert_eq!(kills, KILLS, "it was finished before: {done:?}");
    assert!(done.iter().any(|&epochs| epochs > 2), "{done:?}");

    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    succeeded(resume.arg(&run).output().unwrap());
    let (resumed, unbroken) = (log(&run), log(&data.path("unbroken")));
    assert_eq!(resumed.len(), unbroken.len(), "{resumed:?}");
    let mut worst: f64 = 0.0;
    for (resumed, unbroken) in resumed.iter().zip(&unbroken) {
        assert_eq!((resumed.0, &resumed.1), (unbroken.0, &unbroken.1));
        worst = worst.max((resumed.2 - unbroken.2).abs());
    }
    assert!(worst < NOISE, "a loss is off by {worst}");
    let left = |dir: &Path| {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| name.contains("tmp"))
            .collect::<Vec<_>>()
    };
    let drafts = [left(&run), left(&run.join("checkpoint"))].concat();
    assert!(drafts.is_empty(), "drafts of killed runs are left: {drafts:?}");
    println!(
        "figure: training of {EPOCHS} epochs ({:.1} s), killed {kills} times at random, {done:?} epochs done by then: every loss as in the unbroken run, largest difference {worst:.0e}",
        took.as_secs_f64()
    );
}

#[test]
fn an_export_killed_at_random_moments_leaves_the_old_bundle_or_the_new_one() {
    let data = Data::paint();
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
        // The weights are whole, and those of the manifest.
        let mut predict = trainer(&["predict", "--device", "cpu", "--bundle"]);
        predict.arg(&bundle).arg(data.path("Images/tt0000.png"));
        succeeded(predict.output().unwrap());
    }
    println!(
        "figure: export over another bundle, killed {KILLS} times at random: {} times one bundle, {} times the other, never half of one",
        seen[0], seen[1]
    );
}

/// A disk of its own in a folder; `None` where this user may not mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(&at);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            println!("figure: not tried: only root may mount a small disk or a read-only one");
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
fn a_full_disk_stops_a_training_that_goes_on_when_there_is_room() {
    let data = Data::paint();
    succeeded(data.train("unbroken", &["--epochs", "8"]));
    let Some(disk) = Disk::mount(data.path("small"), "size=200k") else { return };
    let said = failed(data.train("small/run", &["--epochs", "8"]));
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("small"), "{said}");
    disk.remount("remount,size=20m");
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    succeeded(resume.arg(data.path("small/run")).output().unwrap());
    let (resumed, unbroken) = (log(&data.path("small/run")), log(&data.path("unbroken")));
    assert_eq!(resumed.len(), unbroken.len());
    assert!(resumed.iter().zip(&unbroken).all(|(a, b)| (a.2 - b.2).abs() < NOISE));

    // A bundle that there is no room for leaves the one that is there.
    let bundle = data.path("small/bundle");
    let export = || {
        let mut export = trainer(&["export", "--device", "cpu", "--run"]);
        export.arg(data.path("unbroken")).arg("--out").arg(&bundle).output().unwrap()
    };
    succeeded(export());
    let before = fs::read(bundle.join("model.json")).unwrap();
    let blocks = Command::new("dd")
        .args(["if=/dev/zero", "bs=1k"])
        .arg(format!("of={}", data.path("small/full").display()))
        .stderr(Stdio::null())
        .status();
    assert!(!blocks.unwrap().success(), "the disk must be full");
    let said = failed(export());
    assert!(said.contains("No space left on device") && said.contains("small/bundle"), "{said}");
    assert_eq!(fs::read(bundle.join("model.json")).unwrap(), before);
    println!(
        "figure: a full disk: training stops with the reason and goes on when there is room; an export leaves the old bundle"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_what_is_there_is_kept() {
    let data = Data::paint();
    succeeded(data.train("unbroken", &["--epochs", "2"]));
    let Some(disk) = Disk::mount(data.path("fixed"), "size=20m") else { return };
    succeeded(data.train("fixed/run", &["--epochs", "1"]));
    let config = data.path("fixed/run/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 1", "epochs = 2")).unwrap();
    let log_before = fs::read(data.path("fixed/run/log.jsonl")).unwrap();
    disk.remount("remount,ro");
    let said = failed(data.train("fixed/other", &[]));
    assert!(said.contains("fixed/other") && said.contains("Read-only file system"), "{said}");
    let resume = || {
        let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
        resume.arg(data.path("fixed/run")).output().unwrap()
    };
    let said = failed(resume());
    assert!(said.contains("fixed/run") && said.contains("Read-only file system"), "{said}");
    assert_eq!(fs::read(data.path("fixed/run/log.jsonl")).unwrap(), log_before);
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    export.arg(data.path("unbroken")).arg("--out").arg(data.path("fixed/bundle"));
    let said = failed(export.output().unwrap());
    assert!(said.contains("fixed/bundle") && said.contains("Read-only file system"), "{said}");
    disk.remount("remount,rw");
    succeeded(resume());
    println!("figure: a read-only folder: train, resume and export say so and change nothing");
}
