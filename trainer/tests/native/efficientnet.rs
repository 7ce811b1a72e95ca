//! The commands with an EfficientNet-Lite, on synthetic posters and from random weights. The model need not be good,
//! only consistent across training, evaluation, export and ONNX.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use marquee::{Bundle, Classifier};
use safetensors::SafeTensors;
use tract_onnx::prelude::*;

use crate::synthetic_posters::{CONFIG, PosterFolder, failed, json, log, succeeded, trainer};

/// An EfficientNet-Lite0 with so small an input that an epoch takes seconds. Every training feature is enabled.
pub(crate) const LITE: &str = r#"
epochs = 2
batch_size = 8
learning_rate = 1e-3
seed = 3
split_seed = 4
valid_share = 0.2
test_share = 0.2
ema_decay = 0.9
genre_balance = 0.3
selection_metric = "mean-average-precision"
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

/// Returns a poster folder with another configuration.
pub(crate) fn posters_with(config: &str) -> PosterFolder {
    let data = PosterFolder::new();
    fs::write(data.path("config.toml"), config).unwrap();
    data
}

/// Exports a run and returns the bundle's folder and what the command printed.
fn export(data: &PosterFolder, run: &str, more: &[&str]) -> (PathBuf, String) {
    let bundle = data.path(&format!("{run}-bundle"));
    let mut export = trainer(&["export", "--device", "cpu", "--run"]);
    export.arg(data.path(run)).arg("--out").arg(&bundle).args(more);
    (bundle, succeeded(export.output().unwrap()))
}

fn ids(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Asserts that another inference engine computes the bundle's probabilities from the ONNX file.
#[track_caller]
fn assert_onnx_matches_bundle(data: &PosterFolder, bundle: &Path, onnx: &Path) {
    let bundle = Bundle::read(bundle, &Device::flex()).unwrap();
    let input = bundle.manifest.input.clone();
    let posters = ["tt0000.png", "tt0004.png", "tt0021.jpg"]
        .map(|name| input.decode(&fs::read(data.path("Images").join(name)).unwrap()).unwrap());
    let classifier = Classifier::new(bundle);
    let expected = pollster::block_on(classifier.probabilities(&posters)).unwrap().concat();

    let shape = [posters.len(), 3, input.height as usize, input.width as usize];
    let values: Vec<f32> = posters.iter().flat_map(|poster| input.normalise(poster)).collect();
    let model = tract_onnx::onnx().model_for_path(onnx).unwrap();
    let model = model.with_input_fact(0, f32::fact(shape).into()).unwrap();
    let model = model.into_optimized().unwrap().into_runnable().unwrap();
    let tensor = Tensor::from_shape(&shape, &values).unwrap();
    let outputs = model.run(tvec!(tensor.into())).unwrap();
    let probabilities = outputs[0].to_plain_array_view::<f32>().unwrap();
    assert_eq!(probabilities.len(), expected.len());
    for (probability, expected) in probabilities.iter().zip(&expected) {
        assert!((probability - expected).abs() < 1e-4, "{probability} is not {expected}");
    }
}

#[test]
fn trains_evaluates_reports_and_exports_a_lite0() {
    let data = posters_with(LITE);
    let printed = succeeded(data.train("run", &[]));
    assert!(printed.contains("mean average precision"), "{printed}");
    let run = data.path("run");
    let splits = ["train.txt", "valid.txt", "test.txt"].map(|name| ids(&run.join(name)));
    let [train, valid, test] = splits.each_ref().map(Vec::len);
    // A fifth each, or one more if two posters belong together.
    assert!((12..=13).contains(&valid) && (12..=13).contains(&test), "{valid} and {test}");
    assert!(printed.contains(&format!("{train} posters to train on, {} held out", valid + test)));
    let mut all = splits.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 60, "each poster is in one split only");

    // The evaluation uses the test split, and the report is self-contained.
    let (metrics, report) = (data.path("metrics.json"), data.path("report"));
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--with-images", "--json"]);
    evaluate.arg(&metrics).arg("--report").arg(&report).arg("--run").arg(&run);
    succeeded(evaluate.output().unwrap());
    let evaluated = json(&metrics);
    assert_eq!(evaluated["posters"], test);
    let page = fs::read_to_string(report.join("index.html")).unwrap();
    for part in ["<svg", "Reliability", "Worst mistakes", "data:image/jpeg;base64,", "Horror"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("src=\"http") && !page.contains("href="),
        "the report must not load other files"
    );

    // Half precision with ONNX, 8 bits, compact, and automatic.
    let onnx = data.path("model.onnx");
    let more = ["--weights", "half", "--onnx", onnx.to_str().unwrap()];
    let (bundle, _) = export(&data, "run", &more);
    assert_onnx_matches_bundle(&data, &bundle, &onnx);
    let manifest = json(&bundle.join("model.json"));
    assert_eq!(manifest["training"]["test_posters"], test);
    assert_eq!(manifest["training"]["settings"]["augment"]["mixup"], 0.2);
    let loss =
        |metrics: &serde_json::Value| metrics["network"]["binary_cross_entropy"].as_f64().unwrap();
    let exported = manifest["metrics"][0]["value"].as_f64().unwrap();
    assert!((exported - loss(&evaluated)).abs() < 2e-3);
    let bytes = |manifest: &serde_json::Value| manifest["weights"]["bytes"].as_u64().unwrap();
    let half = bytes(&manifest);
    let (bundle, _) = export(&data, "run", &["--weights", "int8"]);
    let manifest = json(&bundle.join("model.json"));
    assert!(bytes(&manifest) < half * 6 / 10, "{} of {half}", bytes(&manifest));
    assert!((manifest["metrics"][0]["value"].as_f64().unwrap() - exported).abs() < 0.01);
    let (bundle, _) = export(&data, "run", &["--weights", "compact"]);
    let manifest = json(&bundle.join("model.json"));
    assert!((manifest["metrics"][0]["value"].as_f64().unwrap() - exported).abs() < 0.01);
    let file = fs::read(bundle.join(manifest["weights"]["file"].as_str().unwrap())).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let largest = |name: &str| {
        let integers = tensors.tensor(name).unwrap().data().iter().map(|&byte| byte as i8);
        integers.map(i8::unsigned_abs).max()
    };
    // Its largest weights are about five root mean squares; a step is 0.35 of one.
    let last = largest("last.weight").unwrap_or_default();
    assert!((9..=25).contains(&last), "{last}");
    assert_eq!(largest("stages.1.blocks.0.expand.weight"), Some(127));
    // Rounded weights are not rounded again.
    let mut again = trainer(&["export", "--device", "cpu", "--weights", "compact", "--bundle"]);
    let copy = data.path("again");
    again.arg(&bundle).arg("--data").arg(data.path("")).arg("--out").arg(&copy);
    succeeded(again.output().unwrap());
    let again = json(&copy.join("model.json"));
    let again = fs::read(copy.join(again["weights"]["file"].as_str().unwrap())).unwrap();
    let again = SafeTensors::deserialize(&again).unwrap();
    let last = |tensors: &SafeTensors| tensors.tensor("last.weight").unwrap().data().to_vec();
    assert_eq!(last(&again), last(&tensors));
    let (_, printed) = export(&data, "run", &[]);
    for precision in ["in half precision", "in 8 bits", "compact"] {
        assert!(printed.contains(precision), "{printed}");
    }
}

#[test]
fn exports_for_another_input_size_and_distils_from_a_bundle() {
    let data = posters_with(LITE);
    succeeded(data.train("run", &["--set", "inference_scale=1.5", "--epochs", "1"]));
    let (bundle, _) = export(&data, "run", &["--weights", "int8"]);
    let large = json(&bundle.join("model.json"));
    assert_eq!((&large["input"]["width"], &large["input"]["height"]), (&48.into(), &72.into()));
    assert_eq!(large["training"]["settings"]["inference_scale"], 1.5);

    // At another size: the same weights except the head's, with thresholds and metrics of their own.
    let other = data.path("other");
    let mut again = trainer(&["export", "--device", "cpu", "--weights", "int8", "--bundle"]);
    again.arg(&bundle).args(["--input", "32x48", "--data"]).arg(data.dir.path());
    succeeded(again.arg("--out").arg(&other).output().unwrap());
    let small = json(&other.join("model.json"));
    assert_eq!((&small["input"]["width"], &small["input"]["height"]), (&32.into(), &48.into()));
    assert_eq!(small["training"]["settings"]["inference_scale"], 1.0);
    assert_eq!(small["weights"]["bytes"], large["weights"]["bytes"]);
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--bundle"]);
    evaluate.arg(&other).arg("--data").arg(data.dir.path());
    evaluate.arg("--only").arg(data.path("run/test.txt"));
    succeeded(evaluate.arg("--json").arg(data.path("metrics.json")).output().unwrap());
    let evaluated = json(&data.path("metrics.json"));
    let loss = |value: &serde_json::Value| value.as_f64().unwrap();
    let difference =
        loss(&small["metrics"][0]["value"]) - loss(&evaluated["network"]["binary_cross_entropy"]);
    assert!(difference.abs() < 1e-3, "{difference}");

    // The mean of two runs records the settings of both.
    let run = data.path("run");
    let mean = data.path("mean");
    let mut of_both = trainer(&["export", "--device", "cpu", "--weights", "int8", "--run"]);
    succeeded(of_both.arg(&run).arg("--run").arg(&run).arg("--out").arg(&mean).output().unwrap());
    let smaller = data.path("smaller-mean");
    let mut again = trainer(&["export", "--device", "cpu", "--weights", "int8", "--bundle"]);
    again.arg(&mean).args(["--input", "32x48", "--data"]).arg(data.dir.path());
    succeeded(again.arg("--out").arg(&smaller).output().unwrap());
    let settings = &json(&smaller.join("model.json"))["training"]["settings"];
    for run in 0..2 {
        assert_eq!(settings[run]["inference_scale"], 1.0);
    }

    // A bundle can be a teacher too. It classifies the posters at its own input size.
    let teacher = format!("distillation.teachers=[{bundle:?}]");
    let more = ["--set", &teacher, "--set", "distillation.weight=0.7", "--epochs", "1"];
    let printed = succeeded(data.train("student", &more));
    assert!(printed.contains("with the teacher"), "{printed}");
    let more = ["--set", "distillation.teachers=[\"nowhere\"]", "--set", "distillation.weight=0.7"];
    let printed = failed(data.train("without", &more));
    assert!(printed.contains("nowhere: it is neither a run nor a bundle"), "{printed}");
}

#[test]
fn exports_a_seed_cnn_as_onnx() {
    let data = posters_with(CONFIG);
    let norm =
        ["--set", "architecture.hidden_norm=true", "--set", "architecture.norm_momentum=0.1"];
    for (run, more) in [("plain", &[][..]), ("norm", &norm)] {
        succeeded(data.train(run, &[&["--epochs", "2"], more].concat()));
        let onnx = data.path(&format!("{run}.onnx"));
        let (bundle, _) = export(&data, run, &["--onnx", onnx.to_str().unwrap()]);
        assert_onnx_matches_bundle(&data, &bundle, &onnx);
        let has_norm = fs::read(&onnx).unwrap().windows(11).any(|name| name == b"hidden_norm");
        assert!(!has_norm, "{run}: batch norm must be folded into the output layer");
    }
}

#[test]
fn trains_the_last_stages_on_cached_features_and_resumes() {
    let data = posters_with(LITE);
    let cached = ["--set", "frozen_parts=6", "--set", "cached_views=2"];
    let printed = succeeded(data.train("run", &cached));
    assert!(printed.contains("computing features"), "{printed}");
    let features = data.path("run/features");
    assert_eq!(fs::read_dir(&features).unwrap().count(), 2);

    // Mixup is applied after the cached features, so a run with other mixup can share them.
    let shared = ["--set", "augment.mixup=0.9", "--epochs", "1", "--features"];
    let arguments = [&cached[..], &shared, &[features.to_str().unwrap()]].concat();
    let printed = succeeded(data.train("mixed", &arguments));
    assert!(
        printed.contains("features from") && !printed.contains("computing features"),
        "{printed}"
    );

    // A run that stops after its first epoch resumes from the cache.
    let run = data.path("resumed");
    succeeded(data.train("resumed", &[&cached[..], &["--epochs", "1"]].concat()));
    let config = run.join("config.toml");
    // Raising the number of epochs makes the finished run continue.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs = 1\n", "epochs = 2\n")).unwrap();
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let printed = succeeded(resume.arg(&run).output().unwrap());
    assert!(
        printed.contains("features from") && printed.contains("resuming after epoch 1"),
        "{printed}"
    );
    assert_eq!(log(&run).len(), 4);
}

#[test]
fn distils_from_a_run_and_stops_early() {
    let data = posters_with(LITE);
    succeeded(data.train("teacher", &["--epochs", "1"]));
    let teacher = format!("distillation.teachers=[{:?}]", data.path("teacher"));
    let more = ["--set", &teacher, "--set", "distillation.weight=0.7"];
    let printed = succeeded(data.train("student", &[&more[..], &["--epochs", "1"]].concat()));
    assert!(printed.contains("with the teacher"), "{printed}");

    // So low a learning rate does not change the loss, so no epoch is better than the first. It may change the mean
    // average precision, which depends only on the order of the predictions.
    let more = ["--set", "patience=2", "--set", "ema_decay=0", "--set", "selection_metric=loss"];
    let slow = ["--learning-rate", "1e-12", "--epochs", "9"];
    succeeded(data.train("stopped", &[&more[..], &slow].concat()));
    assert_eq!(log(&data.path("stopped")).len(), 6);
    let mut resume = trainer(&["train", "--device", "cpu", "--resume"]);
    let printed = succeeded(resume.arg(data.path("stopped")).output().unwrap());
    assert!(printed.contains("is finished"), "{printed}");
}

#[test]
fn starts_from_a_bundle_and_keeps_the_genres_that_it_knows() {
    let data = posters_with(LITE);
    succeeded(data.train("first", &["--epochs", "1", "--set", "ema_decay=0"]));
    let (bundle, _) = export(&data, "first", &["--weights", "half"]);
    let file = data.path("bundle.safetensors");
    let mut fine_tune =
        trainer(&["fine-tune", "--device", "cpu", "--steps", "1", "--learning-rate", "1e-9"]);
    fine_tune.arg("--bundle").arg(&bundle).arg("--data").arg(data.dir.path());
    succeeded(fine_tune.arg("--out").arg(&file).output().unwrap());
    let validation_loss = |run: &str, more: &[&str]| {
        // So low a learning rate changes nothing: the loss is that of the initial weights.
        let still = ["--epochs", "1", "--learning-rate", "1e-12", "--set", "ema_decay=0"];
        let printed = succeeded(data.train(run, &[&still, more].concat()));
        assert!(!printed.contains("another split"), "{printed}");
        log(&data.path(run)).last().unwrap().2
    };

    // The weights of a bundle are those that it was exported with, calibrated on the same validation posters.
    let mut evaluate = trainer(&["evaluate", "--device", "cpu", "--bundle"]);
    evaluate.arg(&bundle).arg("--data").arg(data.dir.path());
    evaluate.arg("--only").arg(data.path("first/valid.txt"));
    succeeded(evaluate.arg("--json").arg(data.path("metrics.json")).output().unwrap());
    let evaluated = json(&data.path("metrics.json"));
    let expected = evaluated["network"]["binary_cross_entropy"].as_f64().unwrap();
    for (run, path) in [("folder", &bundle), ("file", &file)] {
        let loss = validation_loss(run, &["--pretrained", path.to_str().unwrap()]);
        assert!((loss - expected).abs() < 5e-3, "{run}: {loss} is not {expected}");
    }

    // A genre that the bundle lacks starts at its frequency; the others keep their weights.
    data.edit_csv("Id,Genre,Comedy,Drama,Horror", "Id,Genre,Comedy,Western,Horror");
    let from_bundle = ["--pretrained", bundle.to_str().unwrap()];
    let other = validation_loss("other-genres", &from_bundle);
    assert!(other.is_finite() && other != expected);

    // Other posters may be held out than those that the bundle was trained without.
    let another = ["--set", "split_seed=5", "--epochs", "1", "--pretrained"];
    let bundle_path = bundle.to_str().unwrap();
    let printed = succeeded(data.train("another-split", &[&another[..], &[bundle_path]].concat()));
    assert!(printed.contains("comes from another split"), "{printed}");
    // The mistakes.
    let lite1 = ["--set", "architecture.name=efficientnet-lite1"];
    let printed = failed(data.train("lite1", &[&lite1[..], &from_bundle].concat()));
    let expected = "the bundle has the architecture efficientnet-lite0, not efficientnet-lite1";
    assert!(printed.contains(expected), "{printed}");
    let images = data.path("Images");
    let no_bundle = ["--pretrained", images.to_str().unwrap()];
    let printed = failed(data.train("no-bundle", &no_bundle));
    assert!(printed.contains("--pretrained") && printed.contains("model.json"), "{printed}");
    // A model inherits the licence of the bundle, so that it must still be there, or the licence be named.
    fs::rename(&bundle, data.path("moved")).unwrap();
    let out = data.path("unlicensed");
    let mut export = trainer(&["export", "--device", "cpu", "--weights", "int8", "--run"]);
    export.arg(data.path("another-split")).arg("--out").arg(&out);
    let printed = failed(export.output().unwrap());
    assert!(printed.contains("is unknown; pass --licence"), "{printed}");
    succeeded(export.args(["--licence", "CC0-1.0"]).output().unwrap());
    assert_eq!(json(&out.join("model.json"))["training"]["licence"], "CC0-1.0");
}
