//! The network that ships, and what comes with it, as the command line's users meet it. On painted posters and
//! from random weights: it need not be good, only right.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use marquee::{Bundle, Classifier};
use tract_onnx::prelude::*;

use crate::synthetic_posters::{CONFIG, Data, failed, json, log, succeeded, trainer};

/// EfficientNet-Lite0 at a size at which an epoch takes seconds, with everything switched on.
const LITE: &str = r#"
epochs = 2
batch_size = 8
learning_rate = 1e-3
seed = 3
split_seed = 4
valid_share = 0.2
test_share = 0.2
average = 0.9
balance = 0.3
goal = "ranking"
[architecture]
name = "efficientnet-lite0"
dropout = 0.1
drop_path = 0.1
[input]
width = 32
height = 48
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
[optimiser]
weight_decay = 0.02
warmup_epochs = 0.5
schedule = "cosine"
part_decay = 0.8
clip_norm = 1.0
[loss]
smoothing = 0.05
negative_gamma = 1.0
[augment]
flip = true
crop_area = 0.6
colour = 0.1
jpeg = 0.3
erase = 0.3
mixup = 0.2
"#;

fn paint(config: &str) -> Data {
    let data = Data::paint();
    fs::write(data.path("config.toml"), config).unwrap();
    data
}

fn export(data: &Data, run: &str, more: &[&str]) -> (PathBuf, String) {
    let bundle = data.path(&format!("{run}-bundle"));
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    export.arg(data.path(run)).arg("--out").arg(&bundle).args(more);
    (bundle, succeeded(export.output().unwrap()))
}

fn ids(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The exported network by another engine against our own, on the same posters.
#[track_caller]
fn onnx_answers_as_the_bundle(data: &Data, bundle: &Path, onnx: &Path) {
    let bundle = Bundle::read(bundle, &Device::flex()).unwrap();
    let input = bundle.manifest.input.clone();
    let posters = ["tt0000.png", "tt0004.png", "tt0021.jpg"]
        .map(|name| input.decode(&fs::read(data.path("Images").join(name)).unwrap()).unwrap());
    let classifier = Classifier::new(bundle, Device::flex());
    let expected = pollster::block_on(classifier.probabilities(&posters)).unwrap().concat();

    let shape = [posters.len(), 3, input.height as usize, input.width as usize];
    let values: Vec<f32> = posters.iter().flat_map(|poster| input.normalise(poster)).collect();
    let model = tract_onnx::onnx().model_for_path(onnx).unwrap();
    let model = model.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let model = model.into_optimized().unwrap().into_runnable().unwrap();
    let tensor = Tensor::from_shape(&shape, &values).unwrap();
    let answers = model.run(tvec!(tensor.into())).unwrap();
    let answers = answers[0].to_plain_array_view::<f32>().unwrap();
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(&expected) {
        assert!((answer - expected).abs() < 1e-4, "{answer} is not {expected}");
    }
}

#[test]
fn trained_with_everything_judged_exported_and_read_by_another_engine() {
    let data = paint(LITE);
    let said = succeeded(data.train("run", &[]));
    assert!(said.contains("mean average precision"), "{said}");
    let run = data.path("run");
    let sides = ["train.txt", "valid.txt", "test.txt"].map(|name| ids(&run.join(name)));
    let [train, valid, test] = sides.each_ref().map(Vec::len);
    // A fifth each, or one more where two posters belong together.
    assert!((12..=13).contains(&valid) && (12..=13).contains(&test), "{valid} and {test}");
    assert!(said.contains(&format!("{train} posters to train on, {} kept aside", valid + test)));
    let mut all = sides.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60, "a poster stands on one side alone");

    // Judged on the test's posters, with a report in one piece.
    let (figures, report) = (data.path("figures.json"), data.path("report"));
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--with-images", "--json"]);
    evaluate.arg(&figures).arg("--report").arg(&report).arg("--run").arg(&run);
    succeeded(evaluate.output().unwrap());
    let judged = json(&figures);
    assert_eq!(judged["posters"], test);
    let page = fs::read_to_string(report.join("index.html")).unwrap();
    for part in ["<svg", "Reliability", "surest mistakes", "data:image/jpeg;base64,", "Horror"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src=\"http") && !page.contains("href="), "it is in one piece");

    // In 8 bits, in half precision, and as ONNX.
    let onnx = data.path("network.onnx");
    let more = ["--weights", "half", "--onnx", onnx.to_str().unwrap()];
    let (bundle, _) = export(&data, "run", &more);
    onnx_answers_as_the_bundle(&data, &bundle, &onnx);
    let manifest = json(&bundle.join("model.json"));
    assert_eq!(manifest["training"]["test_posters"], test);
    assert_eq!(manifest["training"]["settings"]["augment"]["mixup"], 0.2);
    let loss =
        |figures: &serde_json::Value| figures["network"]["binary_cross_entropy"].as_f64().unwrap();
    let exported = manifest["metrics"][0]["value"].as_f64().unwrap();
    assert!((exported - loss(&judged)).abs() < 2e-3);
    let bytes = |manifest: &serde_json::Value| manifest["weights"]["bytes"].as_u64().unwrap();
    let half = bytes(&manifest);
    let (bundle, _) = export(&data, "run", &["--weights", "int8"]);
    let manifest = json(&bundle.join("model.json"));
    assert!(bytes(&manifest) < half * 6 / 10, "{} of {half}", bytes(&manifest));
    assert!((manifest["metrics"][0]["value"].as_f64().unwrap() - exported).abs() < 0.01);
    let (_, said) = export(&data, "run", &[]);
    assert!(said.contains("in half precision") && said.contains("in 8 bits"), "{said}");
}

#[test]
fn trained_on_fewer_pixels_than_it_is_used_on() {
    let data = paint(LITE);
    succeeded(data.train("run", &["--set", "enlarge=1.5", "--epochs", "1"]));
    let (bundle, _) = export(&data, "run", &["--weights", "int8"]);
    let large = json(&bundle.join("model.json"));
    assert_eq!((&large["input"]["width"], &large["input"]["height"]), (&48.into(), &72.into()));
    assert_eq!(large["training"]["settings"]["enlarge"], 1.5);

    // The same weights, but the head's, at another size, with thresholds and figures of its own.
    let other = data.path("other");
    let mut again = trainer(&["export", "--device", "cpu", "--weights", "int8", "--bundle"]);
    again.arg(&bundle).args(["--input", "32x48", "--data"]).arg(data.dir.path());
    succeeded(again.arg("--out").arg(&other).output().unwrap());
    let small = json(&other.join("model.json"));
    assert_eq!((&small["input"]["width"], &small["input"]["height"]), (&32.into(), &48.into()));
    assert_eq!(small["training"]["settings"]["enlarge"], 1.0);
    assert_eq!(small["weights"]["bytes"], large["weights"]["bytes"]);
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--bundle"]);
    evaluate.arg(&other).arg("--data").arg(data.dir.path());
    evaluate.arg("--only").arg(data.path("run/test.txt"));
    succeeded(evaluate.arg("--json").arg(data.path("figures.json")).output().unwrap());
    let judged = json(&data.path("figures.json"));
    let loss = |value: &serde_json::Value| value.as_f64().unwrap();
    let difference =
        loss(&small["metrics"][0]["value"]) - loss(&judged["network"]["binary_cross_entropy"]);
    assert!(difference.abs() < 1e-3, "{difference}");

    // A bundle teaches as a run does, by posters of its own size.
    let teacher = format!("teaching.runs=[{bundle:?}]");
    let more = ["--set", &teacher, "--set", "teaching.share=0.7", "--epochs", "1"];
    let said = succeeded(data.train("pupil", &more));
    assert!(said.contains("asking the teacher"), "{said}");
    let more = ["--set", "teaching.runs=[\"nowhere\"]", "--set", "teaching.share=0.7"];
    let said = failed(data.train("orphan", &more));
    assert!(said.contains("nowhere is neither a run nor a bundle"), "{said}");
}

#[test]
fn the_seed_network_as_onnx() {
    let data = paint(CONFIG);
    succeeded(data.train("run", &["--epochs", "2"]));
    let onnx = data.path("network.onnx");
    let (bundle, _) = export(&data, "run", &["--onnx", onnx.to_str().unwrap()]);
    onnx_answers_as_the_bundle(&data, &bundle, &onnx);
}

#[test]
fn the_last_stages_learn_from_cached_features_and_resume() {
    let data = paint(LITE);
    let cached = ["--set", "frozen_parts=6", "--set", "cached_views=2"];
    let said = succeeded(data.train("run", &cached));
    assert!(said.contains("computing features"), "{said}");
    let features = data.path("run/features");
    assert_eq!(fs::read_dir(&features).unwrap().count(), 2);

    // Mixing comes behind them: such a run shares them.
    let shared = ["--set", "augment.mixup=0.9", "--epochs", "1", "--features"];
    let said = [&cached[..], &shared, &[features.to_str().unwrap()]].concat();
    let said = succeeded(data.train("mixed", &said));
    assert!(said.contains("features from") && !said.contains("computing features"), "{said}");

    // One epoch at a time is the same as both at once.
    let run = data.path("broken");
    succeeded(data.train("broken", &[&cached[..], &["--epochs", "1"]].concat()));
    let config = run.join("config.toml");
    // The schedule depends on the number of epochs, so it is switched off for both.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 1\n", "epochs = 2\n")).unwrap();
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let said = succeeded(resume.arg(&run).output().unwrap());
    assert!(said.contains("features from") && said.contains("resuming behind epoch 1"), "{said}");
    assert_eq!(log(&run).len(), 4);
}

#[test]
fn teachers_teach_and_patience_ends() {
    let data = paint(LITE);
    succeeded(data.train("teacher", &["--epochs", "1"]));
    let teacher = format!("teaching.runs=[{:?}]", data.path("teacher"));
    let more = ["--set", &teacher, "--set", "teaching.share=0.7"];
    let said = succeeded(data.train("pupil", &[&more[..], &["--epochs", "1"]].concat()));
    assert!(said.contains("asking the teacher"), "{said}");

    // A rate this low changes no loss, so no epoch is better than the first. (It may change a ranking, where
    // only the order of the answers counts.)
    let more = ["--set", "patience=2", "--set", "average=0", "--set", "goal=loss"];
    let slow = ["--learning-rate", "1e-12", "--epochs", "9"];
    succeeded(data.train("bored", &[&more[..], &slow].concat()));
    assert_eq!(log(&data.path("bored")).len(), 6);
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let said = succeeded(resume.arg(data.path("bored")).output().unwrap());
    assert!(said.contains("is finished"), "{said}");
}

#[test]
fn a_loss_that_is_not_a_number_stops_and_says_where() {
    let data = paint(CONFIG);
    let said = failed(data.train("run", &["--learning-rate", "1e38"]));
    assert!(said.contains("the loss is not a number at epoch"), "{said}");
    assert!(said.contains("lower learning_rate"), "{said}");
}

#[test]
fn a_sweep_ranks_its_trials_and_goes_on() {
    let data = paint(CONFIG);
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
    let said = run("3");
    assert!(said.contains("is finished"), "the first two are done: {said}");
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

#[test]
fn bad_settings_are_explained() {
    let data = paint(LITE);
    for (setting, part) in [
        ("augment.mixup=-1", "augment.mixup must not be below 0"),
        ("augment.mixups=1", "mixups"),
        ("optimiser.part_decay=0", "part_decay must be above 0"),
        ("frozen_parts=10", "efficientnet-lite0 has only 9 parts"),
        ("cached_views=2", "cached_views needs frozen_parts"),
        ("teaching.runs=[\"nowhere\"]", "teaching.share is 0"),
        ("enlarge=3", "enlarge must lie between 0.5 and 2"),
        ("test_share=0.9", "leave no poster to train on"),
        ("epochs", "it is not KEY=VALUE"),
    ] {
        let said = failed(data.train("run", &["--set", setting]));
        assert!(said.contains(part), "{part}: {said}");
    }
    fs::write(data.path("weights.pth"), b"Dear diary").unwrap();
    let weights = data.path("weights.pth");
    let said = failed(data.train("run", &["--pretrained", weights.to_str().unwrap()]));
    assert!(said.contains("weights.pth") && said.contains("neither a wheel"), "{said}");
    let said = failed(paint(CONFIG).train("run", &["--set", "enlarge=1.2"]));
    assert!(said.contains("a seed-cnn takes posters of one size alone"), "{said}");
    let said = failed(paint(CONFIG).train("run", &["--pretrained", weights.to_str().unwrap()]));
    assert!(said.contains("seed-cnn has no pretrained weights"), "{said}");
}
