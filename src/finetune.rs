//! Teaching a network with a few posters: other genres, another taste, another kind of poster.
//!
//! The front of the network stays as it is; what it sees in each poster is computed once. Only the linear head
//! learns, which takes milliseconds a step and works on any device. It is pulled towards the head that it began
//! with, so that a handful of posters does not cost the other genres (Li et al. 2018, "Explicit Inductive Bias
//! for Transfer Learning with Convolutional Networks", L2-SP). The same code natively and in a browser.

use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::bundle::{Bundle, Genre, Manifest};
use crate::error::{Error, Result};
use crate::model::{EfficientNetLite, Model};
use crate::preprocess::Pixels;

/// How a head is taught.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FineTuneConfig {
    /// Steps of the optimiser.
    pub steps: usize,
    /// Posters at a step, drawn with replacement.
    pub batch_size: usize,
    /// Of Adam.
    pub learning_rate: f64,
    /// How strongly the genres that the network knows are held by the head that it began with: 0 lets them go.
    pub pull: f64,
    /// How strongly the weights of a new genre are held near 0.
    pub decay: f64,
    /// Of the draws.
    pub seed: u64,
}

impl Default for FineTuneConfig {
    fn default() -> Self {
        Self { steps: 200, batch_size: 32, learning_rate: 1e-3, pull: 10.0, decay: 0.1, seed: 1 }
    }
}

/// Probability of a new genre from which on it is named, until something better is known.
const NEW_THRESHOLD: f32 = 0.5;

/// What is known of a poster, genre by genre in the order of [`FineTuner::genres`]: `None` where nobody said.
pub type PartialLabels = Vec<Option<bool>>;

/// Teaches the head of a bundle.
pub struct FineTuner {
    manifest: Manifest,
    config: FineTuneConfig,
    /// Without its head.
    front: EfficientNetLite,
    device: Device,
    head: Linear,
    /// What the head is pulled towards: `[features, genres]` and `[genres]`.
    origin: (Tensor<2>, Tensor<1>),
    /// How strongly, genre by genre: `[1, genres]`.
    pull: Tensor<2>,
    optimiser: ModuleOptimizer,
    /// Each poster's features and labels, one after the other; a poster has one row a view.
    features: Vec<f32>,
    labels: Vec<PartialLabels>,
    /// Of the draws.
    state: u64,
}

impl FineTuner {
    /// Begins with `bundle`, on the device that it was loaded to, which also tells `new_genres` from now on.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where the network's head is not linear, or a new genre has no name or an old one's.
    pub fn new(
        bundle: Bundle,
        new_genres: &[String],
        config: FineTuneConfig,
        device: &Device,
    ) -> Result<Self> {
        let Bundle { mut manifest, model } = bundle;
        let refused = |reason: String| Error::NotTeachable { reason };
        let Model::EfficientNetLite(front) = model else {
            let name = manifest.architecture.name();
            return Err(refused(format!("the head of a {name} is not linear over its features")));
        };
        for name in new_genres {
            if name.trim().is_empty() {
                return Err(refused("a new genre has no name".into()));
            }
            if manifest.genres.iter().any(|genre| genre.name == *name) {
                return Err(refused(format!("the genre {name:?} is there already")));
            }
            let (threshold, posters) = (NEW_THRESHOLD, 0);
            manifest.genres.push(Genre { name: name.clone(), threshold, posters, quality: None });
        }

        // The temperature moves into the head: what is taught is what is answered.
        let device = device.clone().autodiff();
        let (weight, bias) = front.head();
        let [features, _] = weight.dims();
        let added = new_genres.len();
        let scale = 1.0 / manifest.temperature;
        manifest.temperature = 1.0;
        let plain = weight.device();
        let weight = Tensor::cat(vec![weight * scale, Tensor::zeros([features, added], &plain)], 1);
        let bias = Tensor::cat(vec![bias * scale, Tensor::zeros([added], &plain)], 0);
        let (weight, bias) = (weight.autodiff(), bias.autodiff());

        let mut head = LinearConfig::new(features, manifest.genres.len())
            .with_initializer(Initializer::Zeros)
            .init(&device);
        head.weight = Param::from_tensor(weight.clone().require_grad());
        head.bias = Some(Param::from_tensor(bias.clone().require_grad()));
        let old = manifest.genres.len() - added;
        let pull: Vec<f32> = std::iter::repeat_n(config.pull as f32, old)
            .chain(std::iter::repeat_n(config.decay as f32, added))
            .collect();
        let pull = TensorData::new::<f32, _>(pull, [1, manifest.genres.len()]);
        let pull = Tensor::from_data(pull, &device);
        let optimiser = AdamConfig::new().init();
        let state = config.seed;
        Ok(Self {
            manifest,
            config,
            front,
            device,
            head,
            origin: (weight.detach(), bias.detach()),
            pull,
            optimiser,
            features: Vec::new(),
            labels: Vec::new(),
            state,
        })
    }

    /// The genres that are told, new ones last.
    pub fn genres(&self) -> impl Iterator<Item = &str> {
        self.manifest.genres.iter().map(|genre| genre.name.as_str())
    }

    /// Takes posters to learn from, as they are and mirrored.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where a poster's labels are not one for each genre; [`Error::Compute`].
    pub async fn add(&mut self, posters: &[(Pixels, PartialLabels)]) -> Result<()> {
        let genres = self.manifest.genres.len();
        if let Some((_, labels)) = posters.iter().find(|(_, labels)| labels.len() != genres) {
            let reason = format!("a poster has {} labels for {genres} genres", labels.len());
            return Err(Error::NotTeachable { reason });
        }
        let input = self.manifest.input.clone();
        let views: Vec<Pixels> = posters
            .iter()
            .flat_map(|(poster, _)| [poster.clone(), poster.mirrored(input.width as usize)])
            .collect();
        if views.is_empty() {
            return Ok(());
        }
        let batch = input.batch(&views, &self.front.device());
        let pooled = self.front.pooled(batch);
        self.features.extend(crate::classifier::read(pooled).await?);
        for (_, labels) in posters {
            self.labels.extend([labels.clone(), labels.clone()]);
            let known = self.manifest.genres.iter_mut().zip(labels);
            known.for_each(|(genre, label)| genre.posters += usize::from(*label == Some(true)));
        }
        Ok(())
    }

    /// One step of the optimiser; gives the mean cross-entropy of its posters' known labels.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where no poster was added; [`Error::Compute`], also where the loss is not a number.
    pub async fn step(&mut self) -> Result<f32> {
        let rows = self.labels.len();
        if rows == 0 {
            return Err(Error::NotTeachable { reason: "there is no poster to learn from".into() });
        }
        let drawn: Vec<usize> =
            (0..self.config.batch_size).map(|_| (self.random() % rows as u64) as usize).collect();
        let (size, genres) = (self.features.len() / rows, self.manifest.genres.len());
        let features = drawn.iter().flat_map(|&row| &self.features[row * size..(row + 1) * size]);
        let features: Vec<f32> = features.copied().collect();
        let labels = || drawn.iter().flat_map(|&row| &self.labels[row]);
        let targets: Vec<f32> = labels().map(|&l| f32::from(u8::from(l == Some(true)))).collect();
        let known: Vec<f32> = labels().map(|label| f32::from(u8::from(label.is_some()))).collect();
        let tensor = |values: Vec<f32>, columns: usize| {
            let data = TensorData::new::<f32, _>(values, [drawn.len(), columns]);
            Tensor::<2>::from_data(data, &self.device)
        };
        let count = known.iter().sum::<f32>().max(1.0);
        let (features, targets, known) =
            (tensor(features, size), tensor(targets, genres), tensor(known, genres));

        // log(1 + exp(z)) - y z, which does not overflow.
        let z = self.head.forward(features);
        let entropy = relu(z.clone()) - z.clone() * targets + (-z.abs()).exp().log1p();
        let loss = (entropy * known).sum() / count;
        let (weight, bias) = &self.origin;
        let mut strayed = (self.head.weight.val() - weight.clone()).powi_scalar(2).sum_dim(0);
        if let Some(moved) = &self.head.bias {
            strayed = strayed + (moved.val() - bias.clone()).powi_scalar(2).unsqueeze::<2>();
        }
        let gradients = (loss.clone() + (strayed * self.pull.clone()).sum()).backward();
        let gradients = GradientsParams::from_grads(gradients, &self.head);
        self.head = self.optimiser.step(self.config.learning_rate, self.head.clone(), gradients);
        let loss = crate::classifier::read(loss.without_autodiff()).await?;
        Ok(loss.first().copied().unwrap_or(f32::NAN))
    }

    /// The bundle with the head as it is now. Its figures are no longer known.
    pub fn bundle(&self) -> Bundle {
        let mut manifest = self.manifest.clone();
        manifest.metrics.clear();
        for genre in &mut manifest.genres {
            genre.quality = None;
        }
        let taught = self.labels.len() / 2;
        manifest.training.config += &format!(", taught with {taught} posters");
        let model = Model::EfficientNetLite(self.front.clone().with_head(self.head.valid()));
        Bundle { manifest, model }
    }

    /// The next number of a sequence that depends on the seed alone (Steele et al. 2014, SplitMix64).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
