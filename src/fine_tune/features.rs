//! The outputs of the model's frozen front, computed once per poster and view.

use burn::tensor::{Device, Tensor, TensorData};

use super::PartialLabels;
use super::options::{Depth, FineTuneOptions};
use super::training_set::TrainingSet;
use crate::architecture::efficientnet_lite::{LAST_STAGE, PARTS};
use crate::bundle::Manifest;
use crate::cpu::CpuModel;
use crate::cpu::simd::Level;
use crate::error::Result;
use crate::image::{Corner, Pixels, Preprocess};
use crate::kernels;
use crate::model::{EfficientNetLite, Model, read};

/// Fraction of a poster's sides that a crop keeps.
const CROP: f64 = 0.85;

/// The posters, as the trained part of the model sees them.
pub(super) struct FeatureCache {
    /// The model before fine-tuning.
    origin: EfficientNetLite,
    /// The same model without Burn, which is faster; for training the head on the CPU.
    cpu: Option<CpuModel>,
    depth: Depth,
    /// Views per poster.
    views: usize,
    examples: Vec<Example>,
}

/// A labelled poster.
pub(super) struct Example {
    pub(super) labels: PartialLabels,
    /// Inputs of the trained part, one per view: `[features]` for the head, `[channels, rows, columns]` for the
    /// last stage. The first view is the poster itself.
    pub(super) views: Vec<Vec<f32>>,
    /// Logits before fine-tuning.
    pub(super) before: Vec<f32>,
}

impl FeatureCache {
    pub(super) fn new(
        origin: EfficientNetLite,
        manifest: &Manifest,
        options: &FineTuneOptions,
        device: &Device,
    ) -> Result<Self> {
        let cpu = (options.depth == Depth::Head && kernels::is_cpu(device))
            .then(|| without_burn(&origin, manifest))
            .transpose()?;
        let &FineTuneOptions { depth, views, .. } = options;
        Ok(Self { origin, cpu, depth, views, examples: Vec::new() })
    }

    /// Returns the model before fine-tuning.
    pub(super) fn origin(&self) -> &EfficientNetLite {
        &self.origin
    }

    pub(super) fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Computes a poster's features and keeps them.
    pub(super) async fn add(
        &mut self,
        input: &Preprocess,
        poster: &Pixels,
        labels: &PartialLabels,
    ) -> Result<()> {
        let views = (0..self.views).map(|index| view(input, poster, index));
        let views: Vec<Pixels> = views.collect::<Result<_>>()?;
        let (map, features) = self.extract(input, &views)?;
        let (weight, bias) = self.origin.head();
        let logits = features.clone().narrow(0, 0, 1).matmul(weight) + bias.unsqueeze::<2>();
        let before = read(logits).await?;
        let values = match map {
            Some(map) if self.depth == Depth::LastStage => read(map).await?,
            _ => read(features).await?,
        };
        let size = values.len() / self.views;
        let views = values.chunks(size).map(<[f32]>::to_vec).collect();
        self.examples.push(Example { labels: labels.clone(), views, before });
        Ok(())
    }

    /// Returns the inputs of the last stage, `[N, channels, rows, columns]`, and of the head, `[N, features]`.
    /// The model without Burn computes only the latter.
    fn extract(
        &self,
        input: &Preprocess,
        views: &[Pixels],
    ) -> Result<(Option<Tensor<4>>, Tensor<2>)> {
        let device = self.origin.device();
        if let Some(cpu) = &self.cpu {
            let features = views.iter().map(|view| cpu.features(view));
            let features: Vec<Option<Vec<f32>>> = features.collect::<Result<_>>()?;
            let values: Vec<f32> = features.into_iter().flatten().flatten().collect();
            let shape = [views.len(), values.len() / views.len()];
            let features = Tensor::from_data(TensorData::new::<f32, _>(values, shape), &device);
            return Ok((None, features));
        }
        let map = self.origin.run(0..LAST_STAGE, input.batch(views, &device)?);
        let features = self.origin.run(LAST_STAGE..PARTS, map.clone());
        Ok((Some(map), EfficientNetLite::pool(features)))
    }

    /// Arranges the features as a training set on `device`, for so many `genres`.
    ///
    /// # Errors
    /// [`crate::Error::NotTeachable`] if there is nothing to learn from.
    pub(super) fn training_set(
        &self,
        input: &Preprocess,
        genres: usize,
        options: &FineTuneOptions,
        device: &Device,
    ) -> Result<TrainingSet> {
        TrainingSet::new(&self.examples, self.shape(input), genres, options, device)
    }

    /// Returns the shape of a view, `[channels, rows, columns]`.
    fn shape(&self, input: &Preprocess) -> [usize; 3] {
        let size = self.examples.first().and_then(|e| e.views.first()).map_or(0, Vec::len);
        match self.depth {
            Depth::Head => [size, 1, 1],
            Depth::LastStage => {
                let &Preprocess { width, height, .. } = input;
                let [rows, columns] = [height, width].map(|side| side.div_ceil(32) as usize);
                [size / (rows * columns), rows, columns]
            }
        }
    }
}

fn without_burn(model: &EfficientNetLite, manifest: &Manifest) -> Result<CpuModel> {
    let model = Model::EfficientNetLite(model.clone());
    let Manifest { architecture, input, .. } = manifest;
    let tensors = model.tensors()?.into_iter().collect();
    CpuModel::with_tensors(Level::best(), architecture, input, tensors)
}

/// Returns one view of a poster: 0 is the poster itself, 1 its mirror image, and from 2 on crops of the
/// corners, every second one mirrored.
fn view(input: &Preprocess, poster: &Pixels, index: usize) -> Result<Pixels> {
    let view = match index {
        0 | 1 => poster.clone(),
        2 => input.crop(poster, CROP, Corner::TopLeft)?,
        3 => input.crop(poster, CROP, Corner::BottomLeft)?,
        4 => input.crop(poster, CROP, Corner::TopRight)?,
        _ => input.crop(poster, CROP, Corner::BottomRight)?,
    };
    Ok(if index % 2 == 1 { view.mirrored() } else { view })
}
