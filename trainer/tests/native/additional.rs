//! `trainer train --also`: posters that only train, and their own test split.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::synthetic_posters::{PosterFolder, failed, json, log, succeeded, trainer};

/// Returns a smooth poster, unlike all others. The flat patches of [`PosterFolder`]'s posters leave too few bits of a
/// hash to tell crops of one from crops of another.
fn smooth_poster(number: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let small = RgbImage::from_fn(9, 13, |_, _| image::Rgb(rng.random()));
    imageops::resize(&small, 120, 180, FilterType::CatmullRom)
}

/// Writes a folder with [`PosterFolder`]'s labels and other posters.
fn main_posters() -> PosterFolder {
    let data = PosterFolder::new();
    for (number, entry) in sorted(&data.path("Images")).iter().enumerate() {
        smooth_poster(number as u64).save(entry).unwrap();
    }
    data
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Writes a folder of additional posters, with the genres of the main ones in another order.
fn more_posters(count: u64) -> PosterFolder {
    let data = PosterFolder::new();
    let mut csv = String::from("Id,Genre,Horror,Drama,Comedy\n");
    for index in 0..count {
        let path = data.path(&format!("Images/more{index:04}.png"));
        smooth_poster(1000 + index).save(path).unwrap();
        csv += &format!("more{index:04},\"['x']\",{},{},0\n", index % 2, (index + 1) % 2);
    }
    fs::write(data.path("train.csv"), csv).unwrap();
    data
}

fn ids(run: &Path, list: &str) -> Vec<String> {
    let text = fs::read_to_string(run.join(list)).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn additional_posters_only_train_and_leave_the_main_split_alone() {
    let (main, more) = (main_posters(), more_posters(40));
    let test = ["--epochs", "2", "--set", "test_share=0.2"];
    succeeded(main.train("alone", &test));
    let also = more.dir.path().to_str().unwrap();
    let share = ["--also", also, "--set", "additional.test_share=0.25"];
    let printed = succeeded(main.train("both", &[test.as_slice(), &share].concat()));
    assert!(printed.contains("30 additional posters to train on, 10 in a test split"), "{printed}");

    let (alone, both) = (main.path("alone"), main.path("both"));
    for list in ["train.txt", "valid.txt", "test.txt"] {
        assert_eq!(ids(&alone, list), ids(&both, list), "{list}");
    }
    let (train, test) = (ids(&both, "additional-train.txt"), ids(&both, "additional-test.txt"));
    let all: HashSet<&String> = train.iter().chain(&test).collect();
    assert_eq!((train.len(), test.len(), all.len()), (30, 10, 40));
    assert!(all.iter().all(|id| id.starts_with("more")));
    assert!(!alone.join("additional-train.txt").exists());

    let evaluate = trainer(&["evaluate", "--run", both.to_str().unwrap()]).output().unwrap();
    let printed = succeeded(evaluate);
    assert!(printed.contains("12 posters"), "{printed}");
    assert!(printed.contains("additional test split"), "{printed}");
    assert!(printed.contains("10 posters"), "{printed}");

    // A bundle has the metrics of both test splits.
    let bundle = main.path("bundle");
    let [run, out] = [&both, &bundle].map(|path| path.to_str().unwrap());
    let export = trainer(&["export", "--run", run, "--out", out, "--device", "cpu"]);
    let printed = succeeded({ export }.output().unwrap());
    assert!(printed.contains("on 10 posters of the additional test split"), "{printed}");
    let manifest = json(&bundle.join("model.json"));
    assert_eq!(manifest["training"]["additional_test_posters"], 10);
    // Each additional poster has one genre.
    let genres = manifest["genres"].as_array().unwrap();
    let of_genre = |genre: &serde_json::Value| genre["additional_posters"].as_u64().unwrap_or(0);
    assert_eq!(genres.iter().map(of_genre).sum::<u64>(), 30);
    let count = |metrics: &str| manifest[metrics].as_array().map_or(0, Vec::len);
    assert!(count("metrics") > 10);
    assert_eq!(count("additional_metrics"), count("metrics"));
    assert_ne!(manifest["additional_metrics"], manifest["metrics"]);

    // A bundle of the bundle has them if the additional posters are named.
    let again = main.path("again-bundle");
    let [from, out, data] =
        [bundle.as_path(), &again, main.dir.path()].map(|path| path.to_str().unwrap());
    let export = ["export", "--bundle", from, "--out", out, "--data", data, "--device", "cpu"];
    succeeded(trainer(&[&export[..], &["--also", also]].concat()).output().unwrap());
    let manifest_again = json(&again.join("model.json"));
    assert_eq!(manifest_again["training"]["additional_test_posters"], 10);
    let names = |manifest: &serde_json::Value| -> Vec<String> {
        let metrics = manifest["additional_metrics"].as_array().unwrap().iter();
        metrics.map(|metric| metric["name"].to_string()).collect()
    };
    assert_eq!(names(&manifest_again), names(&manifest));
    // One without them still records how many there were, so that a bundle of that one can have the metrics again.
    let [without, back] = [main.path("without-also"), main.path("with-also-again")];
    let [out, back_out] = [&without, &back].map(|path| path.to_str().unwrap());
    let copy = ["export", "--bundle", from, "--out", out, "--data", data, "--device", "cpu"];
    succeeded(trainer(&copy).output().unwrap());
    assert!(json(&without.join("model.json")).get("additional_metrics").is_none());
    let copy = ["export", "--bundle", out, "--out", back_out, "--data", data, "--also", also];
    succeeded(trainer(&[&copy[..], &["--device", "cpu"]].concat()).output().unwrap());
    assert_eq!(names(&json(&back.join("model.json"))), names(&manifest));
    let fewer = more_posters(20);
    let fewer = ["--also", fewer.dir.path().to_str().unwrap()];
    let printed = failed(trainer(&[&export[..], &fewer].concat()).output().unwrap());
    assert!(printed.contains("the bundle was trained on others"), "{printed}");

    // The same split again, whatever the seed of the training.
    let other = [test_options(), share.to_vec(), vec!["--seed", "9", "--set", "split_seed=3"]];
    succeeded(main.train("again", &other.concat()));
    assert_eq!(ids(&main.path("again"), "additional-test.txt"), test);
    // And a resumed run continues with it.
    let config = both.join("config.toml");
    let text = fs::read_to_string(&config).unwrap().replace("epochs = 2", "epochs = 3");
    fs::write(&config, text).unwrap();
    let resumed = trainer(&["train", "--resume", both.to_str().unwrap(), "--device", "cpu"]);
    assert!(succeeded({ resumed }.output().unwrap()).contains("resuming after epoch 2"));
    assert_eq!(log(&both).len(), 6);

    // A run that predicts needs no additional posters.
    fs::rename(more.dir.path(), main.path("moved")).unwrap();
    let (folder, soft_labels) = (main.dir.path(), main.path("soft.csv"));
    let [folder, soft_labels] = [folder, &soft_labels].map(|path| path.to_str().unwrap());
    let run = both.to_str().unwrap();
    let predict = ["predict", "--data", folder, "--run", run, "--soft-labels", soft_labels];
    succeeded(trainer(&predict).output().unwrap());
}

fn test_options() -> Vec<&'static str> {
    vec!["--epochs", "2", "--set", "test_share=0.2"]
}

#[test]
fn near_duplicates_of_held_out_posters_are_left_out() {
    let (main, more) = (main_posters(), more_posters(30));
    succeeded(main.train("first", &["--epochs", "1", "--set", "test_share=0.2"]));
    let run = main.path("first");
    let held_out: Vec<String> =
        [ids(&run, "valid.txt"), ids(&run, "test.txt")].into_iter().flatten().collect();
    let train = ids(&run, "train.txt");
    // Copies of four held-out posters and of two training posters under new ids.
    type Change = fn(DynamicImage) -> DynamicImage;
    let copies: [(&str, &String, Change); 6] = [
        ("more0000.png", &held_out[0], |poster| poster),
        ("more0001.png", &held_out[5], |poster| poster.crop_imm(4, 2, 114, 174)),
        ("more0002.jpg", &held_out[13], |poster| {
            poster.resize_exact(90, 150, FilterType::Triangle)
        }),
        ("more0003.webp", &held_out[20], |poster| poster.brighten(12)),
        ("more0004.png", &train[3], |poster| poster.crop_imm(0, 8, 120, 172)),
        ("more0005.png", &train[8], |poster| poster),
    ];
    for (name, of, change) in copies {
        fs::remove_file(more.path(&format!("Images/{}.png", &name[..8]))).unwrap();
        change(open(&main, of)).to_rgb8().save(more.path(&format!("Images/{name}"))).unwrap();
    }
    // Two films that the main data have, one of them held out.
    more.edit_csv("more0010,", &format!("{},", held_out[1]));
    more.edit_csv("more0011,", &format!("{},", train[1]));

    let also = more.dir.path().to_str().unwrap();
    let options = [test_options(), vec!["--also", also, "--set", "additional.test_share=0.5"]];
    let printed = succeeded(main.train("run", &options.concat()));
    assert!(printed.contains("30 posters, 2 of them left out"), "{printed}");
    assert!(printed.contains("4 additional posters left out: near-duplicates"), "{printed}");
    let run = main.path("run");
    let (train, test) = (ids(&run, "additional-train.txt"), ids(&run, "additional-test.txt"));
    assert_eq!(train.len() + test.len(), 24);
    assert!(!train.iter().chain(&test).any(|id| id < &"more0004".to_owned()), "{train:?} {test:?}");
    // Near-duplicates of training posters train, so that the additional test split is new to the model.
    for id in ["more0004", "more0005"] {
        assert!(train.iter().any(|other| other == id), "{id}");
    }
}

fn open(data: &PosterFolder, id: &str) -> DynamicImage {
    let paths = sorted(&data.path("Images"));
    let path = paths.iter().find(|path| path.file_stem().unwrap().to_str() == Some(id));
    image::open(path.unwrap()).unwrap()
}

#[test]
fn genres_of_additional_data_are_matched_by_name() {
    let (main, more) = (main_posters(), more_posters(12));
    // Without Comedy, and with a genre that the main data lack.
    let csv = fs::read_to_string(more.path("train.csv")).unwrap();
    fs::write(more.path("train.csv"), csv.replace("Comedy", "Western")).unwrap();
    let also = more.dir.path().to_str().unwrap();
    let printed = succeeded(main.train("run", &["--epochs", "1", "--also", also]));
    assert!(printed.contains("has no column Comedy: unknown there"), "{printed}");
    assert!(printed.contains("ignoring Western, which the main data lack"), "{printed}");
    assert!(printed.contains("12 labels of 12 posters are unknown"), "{printed}");

    fs::write(more.path("train.csv"), csv.replace("Horror,Drama,Comedy", "A,B,C")).unwrap();
    let printed = failed(main.train("other", &["--epochs", "1", "--also", also]));
    assert!(printed.contains("has none of the main data's genres"), "{printed}");
}

#[test]
fn main_posters_are_repeated_and_the_last_epoch_draws_them_alone() {
    let (main, more) = (main_posters(), more_posters(40));
    let also = more.dir.path().to_str().unwrap();
    let mixture = ["additional.main_repeat=2", "additional.main_only_epochs=1"];
    let mut options = vec!["--epochs", "2", "--also", also];
    options.extend(mixture.iter().flat_map(|setting| ["--set", setting]));
    let printed = succeeded(main.train("run", &options));
    // 48 main posters twice and 38 additional ones, then 48 main posters.
    assert!(printed.contains("134 posters per epoch (last 1: 48)"), "{printed}");
    assert_eq!(log(&main.path("run")).len(), 4);
}

#[test]
fn unknown_labels_train_and_evaluate() {
    let data = PosterFolder::new();
    let csv = fs::read_to_string(data.path("train.csv")).unwrap();
    let mut lines = csv.lines();
    let mut unknown = format!("{},N/A\n", lines.next().unwrap());
    for (index, line) in lines.enumerate() {
        // Every sixth poster has no known genre, every sixth one no known label of Drama.
        let mut cells: Vec<&str> = line.split(',').collect();
        match index % 6 {
            0 => (cells[2], cells[3], cells[4]) = ("0", "0", "0"),
            1 => cells[3] = "",
            _ => {}
        }
        unknown += &format!("{},{}\n", cells.join(","), u8::from(index % 6 == 0));
    }
    fs::write(data.path("train.csv"), unknown).unwrap();
    let options = ["--epochs", "3", "--set", "missing_genre=N/A", "--set", "test_share=0.3"];
    let printed = succeeded(data.train("run", &options));
    // 10 posters with 3 unknown genres, 10 with 1.
    assert!(printed.contains("40 labels of 20 posters are unknown"), "{printed}");
    let metrics = data.path("metrics.json");
    let run = data.path("run");
    let mut evaluate = trainer(&["evaluate", "--run", run.to_str().unwrap(), "--json"]);
    succeeded(evaluate.arg(&metrics).output().unwrap());
    let metrics = json(&metrics);
    let genres = metrics["genres"].as_array().unwrap();
    let names: Vec<&str> = genres.iter().map(|genre| genre["genre"].as_str().unwrap()).collect();
    assert_eq!(names, ["Comedy", "Drama", "Horror"]);
    // Those of the test posters whose label is known.
    let test = ids(&run, "test.txt");
    let index = |id: &String| id[2..].parse::<usize>().unwrap();
    for (genre, unknown) in genres.iter().zip([[0, 0], [0, 1], [0, 0]]) {
        let known = test.iter().filter(|id| !unknown.contains(&(index(id) % 6))).count();
        assert_eq!(genre["labels"].as_u64(), Some(known as u64), "{genre}");
    }
    assert!(metrics["network"]["binary_cross_entropy"].as_f64().unwrap().is_finite());

    // The bundle has the frequencies of the known labels, and remembers the column of missing data.
    let bundle = data.path("bundle");
    let mut export = trainer(&["export", "--run", run.to_str().unwrap(), "--out"]);
    succeeded(export.arg(&bundle).output().unwrap());
    let manifest = json(&bundle.join("model.json"));
    let train = ids(&run, "train.txt");
    let known = train.iter().filter(|id| index(id) % 6 > 1).count();
    assert_eq!(manifest["genres"][1]["labelled_posters"].as_u64(), Some(known as u64));
    // A model for which the column is a genre can be compared with it, on the other genres.
    succeeded(data.train("with-column", &["--epochs", "1", "--set", "test_share=0.3"]));
    let with_column = data.path("with-column");
    let mut evaluate = trainer(&["evaluate", "--run", run.to_str().unwrap(), "--against"]);
    let printed = succeeded(evaluate.arg(&with_column).output().unwrap());
    assert!(printed.contains("95% interval of A - B"), "{printed}");
    assert!(printed.contains("N/A"), "{printed}");

    let mut evaluate = trainer(&["evaluate", "--bundle", bundle.to_str().unwrap(), "--data"]);
    let printed = succeeded(evaluate.arg(data.dir.path()).output().unwrap());
    assert!(printed.contains("60 posters"), "{printed}");
}
