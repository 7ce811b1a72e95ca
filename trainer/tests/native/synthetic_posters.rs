//! A folder of drawn posters to train on, and functions that run the trainer's command line.
#![allow(dead_code)] // each test file uses some of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

const POSTERS: usize = 60;

/// A seed-cnn so small that an epoch takes a second.
pub(crate) const CONFIG: &str = r#"
epochs = 4
batch_size = 8
learning_rate = 3e-3
seed = 3
valid_share = 0.2
[architecture]
name = "seed-cnn"
channels = [4, 8, 8]
hidden = 16
dropout = 0.1
[input]
width = 32
height = 48
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
"#;

/// A temporary folder with `train.csv`, `Images/` and `config.toml`.
///
/// Posters of horror films are dark, those of comedies yellow. Dramas have a lighter band at the bottom. Each poster
/// has its own texture; without it, all would count as near-duplicates of two posters.
pub(crate) struct PosterFolder {
    pub(crate) dir: TempDir,
}

impl PosterFolder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("Images")).unwrap();
        let mut csv = String::from("Id,Genre,Comedy,Drama,Horror\n");
        for index in 0..POSTERS {
            let (horror, drama) = (index % 2 == 0, index % 3 == 0);
            let comedy = !horror;
            csv += &format!(
                "tt{index:04},\"['x']\",{},{},{}\n",
                comedy as u8, drama as u8, horror as u8
            );
            let shade = (index * 3 % 40) as u8;
            let colour = if horror { [shade, 0, 10] } else { [200 + shade, 190, 30] };
            let poster = RgbImage::from_fn(40, 60, |x, y| {
                let light = if drama && y > 40 { 40 } else { texture(index, x / 5, y / 5) };
                Rgb(colour.map(|value: u8| value.saturating_add(light)))
            });
            let extension = ["png", "jpg", "jpeg", "webp"][index % 4];
            poster.save(dir.path().join(format!("Images/tt{index:04}.{extension}"))).unwrap();
        }
        fs::write(dir.path().join("train.csv"), csv).unwrap();
        fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Trains with the folder's configuration into its subfolder `out`.
    pub(crate) fn train(&self, out: &str, more: &[&str]) -> Output {
        let (data, out) = (self.dir.path(), self.path(out));
        let config = self.path("config.toml");
        let mut command = trainer(&["train", "--device", "cpu"]);
        command.arg("--data").arg(data).arg("--out").arg(out).arg("--config").arg(config);
        command.args(more).output().unwrap()
    }

    /// Replaces the first occurrence of a text in `train.csv`.
    pub(crate) fn edit_csv(&self, from: &str, to: &str) {
        let path = self.path("train.csv");
        let csv = fs::read_to_string(&path).unwrap();
        assert!(csv.contains(from));
        fs::write(path, csv.replacen(from, to, 1)).unwrap();
    }
}

/// Returns the brightness of a patch, 0..16: pseudo-random, but always the same.
fn texture(index: usize, column: u32, row: u32) -> u8 {
    let number =
        (index as u32 * 64 + column).wrapping_mul(0x9e37_79b1) ^ row.wrapping_mul(0x85eb_ca6b);
    (number.wrapping_mul(0xc2b2_ae35) >> 28) as u8
}

pub(crate) fn trainer(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
    command.args(arguments);
    command
}

/// Returns what a command printed: its standard output, then its standard error.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Asserts that a command succeeded, and returns what it printed.
#[track_caller]
pub(crate) fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{}", printed(&output));
    printed(&output)
}

/// Asserts that a command failed with an error message and without a panic, and returns what it printed.
#[track_caller]
pub(crate) fn failed(output: Output) -> String {
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
    printed
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Returns epoch, split, loss and accuracy of each line of a run's log.
pub(crate) fn log(run: &Path) -> Vec<(u64, String, f64, f64)> {
    let text = fs::read_to_string(run.join("log.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            let split = line["split"].as_str().unwrap().to_owned();
            let number = |name: &str| line[name].as_f64().unwrap();
            (line["epoch"].as_u64().unwrap(), split, number("loss"), number("accuracy"))
        })
        .collect()
}
