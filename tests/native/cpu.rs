//! CPU models without Burn, compared with the same models in Burn.

use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};
use marquee::architecture::Architecture;
use marquee::architecture::efficientnet_lite::EfficientNetLiteConfig;
use marquee::architecture::seed_cnn::SeedCnnConfig;
use marquee::cpu::simd::Level;
use marquee::weights::Precision;
use marquee::{Bundle, Classifier, Error, Model, Pixels, Preprocess, cpu};

/// Largest difference of a probability from the one that floats give, with narrow inputs of 1x1 convolutions.
const NARROW_TOLERANCE: f32 = 0.05;

/// Loads the bundle in a folder twice: on the CPU without Burn, and with Burn.
fn both(bundle: &str) -> [Classifier; 2] {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundle);
    let bundle = Bundle::read(&dir, &Device::flex()).unwrap();
    [Classifier::open(&dir).unwrap(), Classifier::new(bundle)]
}

fn samples() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/samples");
    let mut files: Vec<_> = dir.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    assert!(files.len() > 1);
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn largest_difference(some: &[f32], others: &[f32]) -> f32 {
    assert_eq!(some.len(), others.len());
    some.iter().zip(others).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Pseudo-random numbers in 0..1, the same on every machine.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }
}

#[test]
fn the_shipped_model_predicts_as_with_burn() {
    let [without_burn, with_burn] = both("www/model");
    let posters: Vec<Pixels> =
        samples().iter().map(|file| without_burn.manifest().input.decode(file).unwrap()).collect();
    let [without_burn, with_burn] = [without_burn, with_burn]
        .map(|classifier| pollster::block_on(classifier.probabilities(&posters)).unwrap());
    for (without_burn, with_burn) in without_burn.iter().zip(&with_burn) {
        let difference = largest_difference(without_burn, with_burn);
        let what = format!("{difference}: {without_burn:?} is not {with_burn:?}");
        assert!(difference < NARROW_TOLERANCE, "{what}");
    }
}

/// A server or a Python object holds one classifier and calls it from several threads.
#[test]
fn threads_share_a_classifier() {
    fn shared<T: Send + Sync + 'static>(value: T) -> T {
        value
    }
    let classifier = shared(Classifier::open("www/model").unwrap());
    let poster = &samples()[0];
    let alone = pollster::block_on(classifier.classify(poster)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                assert_eq!(pollster::block_on(classifier.classify(poster)).unwrap(), alone);
            });
        }
    });
}

#[test]
fn refuses_posters_of_another_size_on_every_device() {
    let Preprocess { width, height, .. } = Classifier::open("www/model").unwrap().manifest().input;
    let turned = Pixels::from_fn(height, width, |_, _| [128; 3]);
    for classifier in both("www/model") {
        match pollster::block_on(classifier.probabilities(std::slice::from_ref(&turned))) {
            Err(Error::PosterSize { expected, found }) => {
                assert_eq!((expected, found), ([width, height], [height, width]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_shipped_model_has_the_same_heatmaps_as_with_burn() {
    let [without_burn, with_burn] = both("www/model")
        .map(|classifier| pollster::block_on(classifier.explain(&samples()[0])).unwrap().heatmaps);
    assert_eq!((&without_burn.x, &without_burn.y), (&with_burn.x, &with_burn.y));
    // Relative to the largest contribution of a place: logits are the sums of all of them.
    let values = with_burn.genres.iter().flat_map(|genre| &genre.values);
    let scale = values.fold(0.0, |scale: f32, value| scale.max(value.abs()));
    for (without_burn, with_burn) in without_burn.genres.iter().zip(&with_burn.genres) {
        assert_eq!(without_burn.genre, with_burn.genre);
        assert!((without_burn.bias - with_burn.bias).abs() < 1e-5);
        let difference = largest_difference(&without_burn.values, &with_burn.values) / scale;
        assert!(difference < 0.1, "{}: {difference}", with_burn.genre);
    }
}

#[test]
fn every_architecture_and_input_size_predicts_as_with_burn() {
    let device = Device::flex();
    let lite = EfficientNetLiteConfig::default;
    let seed = SeedCnnConfig { channels: [5, 8, 7], hidden: 9, ..Default::default() };
    let without_norm = SeedCnnConfig { hidden_norm: false, ..seed.clone() };
    let (half, int8) = (Precision::Half, Precision::Int8);
    for (architecture, [width, height], precision) in [
        (Architecture::EfficientNetLite0(lite()), [160, 240], half),
        (Architecture::EfficientNetLite0(lite()), [160, 240], int8),
        (Architecture::EfficientNetLite0(lite()), [97, 131], half),
        (Architecture::EfficientNetLite0(lite()), [97, 131], int8),
        (Architecture::EfficientNetLite0(lite()), [32, 33], half),
        (Architecture::EfficientNetLite0(lite()), [50, 46], int8),
        (Architecture::EfficientNetLite1(lite()), [96, 64], half),
        (Architecture::EfficientNetLite2(lite()), [66, 99], int8),
        (Architecture::SeedCnn(seed), [61, 40], half),
        (Architecture::SeedCnn(without_norm), [40, 61], half),
    ] {
        device.seed(3);
        let model = Model::init(&architecture, [width, height], 5, &device).unwrap();
        let model = with_random_head(model);
        let weights = pollster::block_on(model.encode(precision)).unwrap();
        // Load the weights into Burn too, so that both models have them in the same precision.
        let size = [width, height];
        let model = Model::with_weights(&architecture, size, 5, &weights, &device).unwrap();

        let input = Preprocess { width, height, mean: [0.5, 0.45, 0.4], std: [0.5, 0.25, 0.3] };
        let cpu_model =
            |level| cpu::CpuModel::with_level(level, &architecture, &input, 5, &weights).unwrap();
        let mut random = Random(7);
        let pixels = (0..width * height * 3).map(|_| (random.next() * 256.0) as u8).collect();
        let poster = Pixels::new(width, height, pixels).unwrap();
        let without_burn = cpu_model(Level::Baseline).logits(&poster).unwrap();
        for level in crate::kernels::levels() {
            let model = cpu_model(level);
            // The second poster finds the memory of the first.
            for _ in 0..2 {
                assert_eq!(bits(&model.logits(&poster).unwrap()), bits(&without_burn), "{level:?}");
            }
        }
        let with_burn: Vec<f32> =
            model.forward(input.batch(&[poster], &device).unwrap()).try_into_vec_as().unwrap();
        // Random weights amplify rounding errors much more than trained ones, hence the tolerance.
        let scale = with_burn.iter().fold(1.0, |largest: f32, logit| largest.max(logit.abs()));
        let difference = largest_difference(&without_burn, &with_burn) / scale;
        let what = format!("{} at {width} x {height}, {precision:?}", architecture.name());
        let tolerance = if precision == half { 2e-2 } else { 0.5 };
        assert!(
            scale > 0.1 && difference < tolerance,
            "{what}, {difference}: {without_burn:?} is not {with_burn:?}"
        );
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Adds up to a half to each value of a vector: biases, and the tensors of batch norm.
struct Perturb(Random);

impl ModuleMapper for Perturb {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| {
            let shape = tensor.dims();
            if D > 1 {
                return tensor;
            }
            let values: Vec<f32> = (0..shape[0]).map(|_| self.0.next() * 0.5).collect();
            let values = Tensor::<1>::from_floats(values.as_slice(), &tensor.device());
            tensor + values.reshape(shape)
        })
    }
}

/// Replaces the initial zeros of a Lite's head, and the initial zeros and ones of a seed-cnn's batch norm: they would
/// hide errors.
fn with_random_head(model: Model) -> Model {
    let Model::EfficientNetLite(model) = model else { return model.map(&mut Perturb(Random(5))) };
    let (weight, _) = model.head();
    let [features, genres] = weight.dims();
    let mut random = Random(11);
    let values: Vec<f32> = (0..features * genres).map(|_| random.next() * 0.2 - 0.1).collect();
    let mut head = burn::nn::LinearConfig::new(features, genres).init(&weight.device());
    let weight = Tensor::<1>::from_floats(values.as_slice(), &weight.device());
    head.weight = burn::module::Param::from_tensor(weight.reshape([features, genres]));
    Model::EfficientNetLite(model.with_head(head))
}

/// Returns why a CPU model refuses `weights`.
fn refusal(weights: &[u8]) -> String {
    let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
    let input = Preprocess { width: 64, height: 96, mean: [0.5; 3], std: [0.5; 3] };
    match cpu::CpuModel::new(&architecture, &input, 3, weights) {
        Err(Error::WeightsShape { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_the_tensors_that_do_not_match_the_architecture() {
    let architecture = Architecture::EfficientNetLite0(EfficientNetLiteConfig::default());
    type Change = dyn Fn(&str, &mut Vec<usize>, &mut Vec<f32>) -> bool;
    let write = |change: &Change| {
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = architecture
            .tensors([64, 96], 3)
            .into_iter()
            .filter_map(|(name, mut shape)| {
                let mut values = vec![0.01; shape.iter().product()];
                let kept = change(&name, &mut shape, &mut values);
                let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
                kept.then_some((name, shape, bytes))
            })
            .collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let dtype = safetensors::Dtype::F32;
            let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes);
            (name.as_str(), view.unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    };

    assert!(refusal(b"Dear diary").contains("header"), "{}", refusal(b"Dear diary"));
    let missing = refusal(&write(&|name, _, _| name != "last.bias"));
    assert_eq!(missing, "last.bias is missing");
    let another_shape = refusal(&write(&|name, shape, _| {
        if name == "head.weight" {
            shape.reverse();
        }
        true
    }));
    assert_eq!(another_shape, "head.weight has the shape [3, 1280], expected [1280, 3]");
    let not_finite = refusal(&write(&|name, _, values| {
        if name == "stem.bias" {
            values[5] = f32::NAN;
        }
        true
    }));
    assert_eq!(not_finite, "stem.bias contains NaN or infinite values");
}

#[test]
fn integer_kernels_equal_their_plain_twins() {
    crate::kernels::expand_equals_its_twin();
    crate::kernels::depthwise_equals_its_twin();
    crate::kernels::project_equals_its_twin();
    crate::kernels::quantise_stream_equals_its_twin();
}

#[test]
fn layers_with_remainders_are_refused() {
    crate::kernels::layers_with_remainders_are_refused();
}
