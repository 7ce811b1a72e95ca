//! The variants of `trainer onnx`: in another engine in Rust, and in onnxruntime by the example of docs/onnx.md.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::Device;
use marquee::{Bundle, Classifier, Pixels};
use serde_json::Value;
use tract_onnx::prelude::*;

use crate::synthetic_posters::{succeeded, trainer};

const VARIANTS: [&[&str]; 4] =
    [&[], &["--uint8"], &["--uint8", "--weights", "half"], &["--uint8", "--weights", "int8"]];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes an ONNX file of a bundle.
fn export(bundle: &Path, out: &Path, variant: &[&str]) {
    let mut onnx = trainer(&["onnx", "--bundle"]);
    succeeded(onnx.arg(bundle).arg("--out").arg(out).args(variant).output().unwrap());
}

/// The page's sample posters.
fn samples() -> Vec<PathBuf> {
    let files =
        fs::read_dir(root().join("www/samples")).unwrap().map(|entry| entry.unwrap().path());
    let mut jpegs: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "jpg")).collect();
    jpegs.sort();
    assert_eq!(jpegs.len(), 6);
    jpegs
}

#[test]
fn all_variants_compute_the_bundles_probabilities_and_their_files_shrink() {
    let dir = tempfile::tempdir().unwrap();
    let folder = root().join("www/model");
    let bundle = Bundle::read(&folder, &Device::flex()).unwrap();
    let input = bundle.manifest.input.clone();
    let (height, width) = (input.height as usize, input.width as usize);
    let poster: Pixels = input.decode(&fs::read(&samples()[0]).unwrap()).unwrap();
    let normalised = Tensor::from_shape(&[1, 3, height, width], &input.normalise(&poster)).unwrap();
    let pixels = Tensor::from_shape(&[1, height, width, 3], poster.rgb()).unwrap();
    let classifier = Classifier::new(bundle);
    let expected = pollster::block_on(classifier.probabilities(&[poster])).unwrap().concat();

    let mut sizes = Vec::new();
    for (variant, arguments) in VARIANTS.iter().enumerate() {
        let path = dir.path().join(format!("{variant}.onnx"));
        export(&folder, &path, arguments);
        sizes.push(fs::metadata(&path).unwrap().len() as f64 / 1e6);
        let tensor = if arguments.is_empty() { &normalised } else { &pixels };
        let fact = InferenceFact::dt_shape(tensor.datum_type(), tensor.shape());
        let model = tract_onnx::onnx().model_for_path(&path).unwrap();
        let model = model.with_input_fact(0, fact).unwrap();
        let model = model.into_optimized().unwrap().into_runnable().unwrap();
        let outputs = model.run(tvec!(tensor.clone().into())).unwrap();
        let probabilities = outputs[0].to_plain_array_view::<f32>().unwrap();
        assert_eq!(probabilities.len(), expected.len());
        for (probability, expected) in probabilities.iter().zip(&expected) {
            let difference = (probability - expected).abs();
            assert!(difference < 1e-3, "{arguments:?}: {probability} is not {expected}");
        }
    }
    assert!(sizes[2] < 0.52 * sizes[0] && sizes[3] < 0.3 * sizes[0], "{sizes:?} MB");
}

#[test]
fn the_documents_example_gives_the_probabilities_of_predict() {
    // `cargo xtask test` installs onnxruntime and Pillow there.
    let Some(packages) = std::env::var_os("MARQUEE_ONNX_PACKAGES") else {
        eprintln!("skipped: MARQUEE_ONNX_PACKAGES is not set");
        return;
    };
    let document = fs::read_to_string(root().join("docs/onnx.md")).unwrap();
    let (_, rest) = document.split_once("```python\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    assert!(example.lines().count() <= 10, "the example has at most ten lines");
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("classify.py");
    fs::write(&script, example).unwrap();

    // JPEG decoders differ in the last bit, PNG decoders do not. Marquee rounds the inputs of its layers to 7 bits.
    let to_png = "import sys\nfrom PIL import Image\nfor path in sys.argv[2:]:\n    \
                  Image.open(path).save(f'{sys.argv[1]}/{abs(hash(path))}.png')";
    let pngs = dir.path().join("png");
    fs::create_dir(&pngs).unwrap();
    let mut convert = python(&packages);
    succeeded(convert.args(["-c", to_png]).arg(&pngs).args(samples()).output().unwrap());
    let pngs: Vec<PathBuf> =
        fs::read_dir(&pngs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(pngs.len(), samples().len());

    let sets = [(pngs, 0.03), (samples(), 0.05)].map(|(posters, bound)| {
        let predicted = predicted(&posters);
        (posters, predicted, bound)
    });
    for variant in &VARIANTS[1..] {
        let model = dir.path().join("model.onnx");
        export(&root().join("www/model"), &model, variant);
        for (posters, predicted, bound) in &sets {
            let output = python(&packages).arg(&script).arg(&model).args(posters).output().unwrap();
            let largest = largest_difference(output, predicted);
            let kind = posters[0].extension().unwrap();
            println!("figure: {variant:?}, {kind:?}: at most {largest:.4} from predict");
            assert!(largest <= *bound, "{variant:?}, {kind:?}: {largest}");
        }
    }
}

fn python(packages: &OsStr) -> Command {
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", packages);
    python
}

/// The answers of `trainer predict`.
fn predicted(posters: &[PathBuf]) -> Vec<Value> {
    let mut predict = trainer(&["predict", "--json-lines", "--top", "100", "--bundle"]);
    predict.arg(root().join("www/model")).args(posters);
    let predicted = String::from_utf8(predict.output().unwrap().stdout).unwrap();
    predicted.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The largest difference between the probabilities that the example printed and those of `trainer predict`.
fn largest_difference(output: Output, predicted: &[Value]) -> f64 {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().count(), predicted.len());
    let mut largest: f64 = 0.0;
    for (line, predicted) in printed.lines().zip(predicted) {
        let answers: Value = serde_json::from_str(line).unwrap();
        for genre in predicted["genres"].as_array().unwrap() {
            let answer = answers[genre["genre"].as_str().unwrap()].as_f64().unwrap();
            largest = largest.max((answer - genre["probability"].as_f64().unwrap()).abs());
        }
    }
    largest
}
