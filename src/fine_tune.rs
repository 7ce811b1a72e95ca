//! Teaching a network with a few posters: other genres, another taste, another kind of poster. The same code
//! natively and in a browser.
//!
//! The front of the network stays as it is; what it sees in each poster is computed once. Behind it learns the
//! linear head alone, which takes milliseconds a step on any device, or the last stage with it. What learns is
//! pulled towards the weights that it began with, so that a handful of posters does not cost the other genres
//! (Li et al. 2018, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", L2-SP).
//!
//! Posters are few, so judging by some of them that are kept aside says little. Heads are cheap: beside the one
//! that is kept, one more learns for each fold of a cross-validation, all of them as the columns of one matrix.

mod report;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::architecture::efficientnet_lite::{LAST_STAGE, PARTS};
use crate::bundle::Bundle;
use crate::cpu;
use crate::error::{Error, Result};
use crate::kernels;
use crate::manifest::{Genre, Manifest};
use crate::metrics::sigmoid;
use crate::model::{EfficientNetLite, Model, read};
use crate::preprocess::{Corner, Pixels, Preprocess};
use crate::weights::Tensors;

pub use report::{Comparison, FineTuneReport, GenreReport};
use report::HeldOut;

/// What of the network learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// The linear head.
    Head,
    /// The last stage of blocks and the convolution behind it, at a tenth of the head's rate, and the head.
    LastStage,
}

/// How a network is taught.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct FineTuneOptions {
    /// What learns.
    pub depth: Depth,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Posters at a step, drawn with replacement.
    pub batch_size: usize,
    /// Of these, how many the last stage takes at once: gradients are added up, so that a batch may be larger
    /// than what a device has memory for. The result is the same but for rounding.
    pub micro_batch_size: usize,
    /// Of Adam, for the head.
    pub learning_rate: f64,
    /// How strongly the genres that the network knows are held by the weights that it began with: 0 lets them
    /// go. The last stage is held as strongly.
    pub pull: f64,
    /// How strongly the weights of a new genre are held near 0.
    pub decay: f64,
    /// How far rare labels count more: 0 not at all, 1 so that a genre's posters and the others weigh the same.
    pub balance: f64,
    /// Looks at each poster: 1 as it is, 2 also mirrored, 3 to 6 also crops of it.
    pub views: usize,
    /// Parts that the posters are divided into for judging: each is answered by a head that has not seen it. Of
    /// the last stage there is one only, which does not learn from the first part. Below 2 nothing is judged.
    pub folds: usize,
    /// Of the draws.
    pub seed: u64,
}

impl Default for FineTuneOptions {
    fn default() -> Self {
        Self {
            depth: Depth::Head,
            steps: 200,
            batch_size: 32,
            micro_batch_size: 8,
            learning_rate: 1e-3,
            pull: 1.0,
            decay: 2.0,
            balance: 0.0,
            views: 2,
            folds: 5,
            seed: 1,
        }
    }
}

/// Rate of the last stage beside the head's.
const STAGE_RATE: f64 = 0.1;

/// Share of the poster's sides that a crop keeps.
const CROP: f64 = 0.85;

/// Most that rare labels may count more.
const LARGEST_WEIGHT: f32 = 10.0;

/// Probability of a new genre from which on it is named, until something better is known.
const NEW_THRESHOLD: f32 = 0.5;

/// What is known of a poster, genre by genre in the order of [`FineTuner::genres`]: `None` where nobody said.
pub type PartialLabels = Vec<Option<bool>>;

/// Teaches a bundle.
pub struct FineTuner {
    manifest: Manifest,
    config: FineTuneOptions,
    /// The network as it was.
    origin: EfficientNetLite,
    /// The same by itself, where only the head learns and the CPU computes: there it sees a poster sooner.
    by_itself: Option<cpu::CpuModel>,
    device: Device,
    tail: Tail,
    /// What the tail is pulled towards.
    anchor: Anchor,
    head_optimiser: ModuleOptimizer,
    stage_optimiser: ModuleOptimizer,
    /// Genres that the network knew.
    known: usize,
    posters: Vec<Example>,
    /// What the steps draw from; made at the first of them.
    table: Option<Table>,
    taken: usize,
    /// Of the draws.
    state: u64,
}

/// What learns: the head for all posters and those of the folds, side by side as columns, and what is in front.
#[derive(Module, Debug)]
struct Tail {
    /// At [`Depth::LastStage`]; only its last stage is used.
    stage: Option<EfficientNetLite>,
    head: Linear,
}

struct Anchor {
    /// `[features, columns]` and `[columns]`.
    head: (Tensor<2>, Tensor<1>),
    /// How strongly, column by column: `[1, columns]`.
    pull: Tensor<2>,
    stage: Vec<Tensor<4>>,
}

struct Example {
    labels: PartialLabels,
    /// What the tail looks at, view by view; the first is the poster as it is.
    views: Vec<Vec<f32>>,
    /// What the network said before, in log-odds.
    before: Vec<f32>,
}

/// All views of all posters, as rows.
struct Table {
    /// What the tail looks at: `[rows, channels, height, width]`.
    inputs: Tensor<4>,
    /// 0 or 1: `[rows, columns]`.
    targets: Tensor<2>,
    /// What each label counts, 0 where it is not known or is kept aside: `[rows, columns]`.
    weights: Tensor<2>,
    /// Row by row, and in it group by group, the sum of the weights.
    sums: Vec<Vec<f32>>,
    /// The fold of each poster.
    folds: Vec<usize>,
}

impl Tail {
    /// Logits `[N, columns]`.
    fn forward(&self, inputs: Tensor<4>) -> Tensor<2> {
        let features = match &self.stage {
            Some(network) => EfficientNetLite::pool(network.run(LAST_STAGE..PARTS, inputs)),
            None => inputs.flatten(1, 3),
        };
        self.head.forward(features)
    }
}

impl FineTuner {
    /// Begins with `bundle`, on the device that it was loaded to, which also tells `new_genres` from now on.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where the network's head is not linear, a new genre has no name or an old one's,
    /// or the configuration makes no sense.
    pub fn new(
        bundle: Bundle,
        new_genres: &[String],
        config: FineTuneOptions,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let Bundle { mut manifest, model } = bundle;
        let Model::EfficientNetLite(network) = model else {
            let name = manifest.architecture.name();
            return Err(refused(format!("the head of a {name} is not linear over its features")));
        };
        for name in new_genres {
            check_name(&manifest, name)?;
            let (threshold, posters) = (NEW_THRESHOLD, 0);
            manifest.genres.push(Genre { name: name.clone(), threshold, posters, quality: None });
        }

        // The temperature moves into the head: what is taught is what is answered.
        let (weight, bias) = network.head();
        let [features, known] = weight.dims();
        let scale = 1.0 / manifest.temperature;
        manifest.temperature = 1.0;
        let (added, plain) = (new_genres.len(), weight.device());
        let weight = Tensor::cat(vec![weight * scale, Tensor::zeros([features, added], &plain)], 1);
        let bias = Tensor::cat(vec![bias * scale, Tensor::zeros([added], &plain)], 0);
        let origin = network.with_head(linear(weight.clone(), bias.clone()));

        let by_itself = (config.depth == Depth::Head && kernels::is_cpu(device))
            .then(|| alone(&origin, &manifest))
            .transpose()?;
        let device = device.clone().autodiff();
        let groups = config.groups();
        let weight = Tensor::cat(vec![weight; groups], 1).autodiff();
        let bias = Tensor::cat(vec![bias; groups], 0).autodiff();
        let head = linear(weight.clone().require_grad(), bias.clone().require_grad());
        let stage = (config.depth == Depth::LastStage)
            .then(|| origin.clone().to_device(&device).train().freeze(LAST_STAGE));
        let pull = (0..groups).flat_map(|_| {
            std::iter::repeat_n(config.pull as f32, known)
                .chain(std::iter::repeat_n(config.decay as f32, added))
        });
        let pull = TensorData::new::<f32, _>(pull.collect(), [1, groups * (known + added)]);
        let anchor = Anchor {
            head: (weight.detach(), bias.detach()),
            pull: Tensor::from_data(pull, &device),
            stage: stage.iter().flat_map(stage_weights).map(Tensor::detach).collect(),
        };
        let state = config.seed;
        Ok(Self {
            manifest,
            config,
            origin,
            by_itself,
            device,
            tail: Tail { stage, head },
            anchor,
            head_optimiser: AdamConfig::new().init(),
            stage_optimiser: AdamConfig::new().init(),
            known,
            posters: Vec::new(),
            table: None,
            taken: 0,
            state,
        })
    }

    /// The genres that are told, new ones last.
    pub fn genres(&self) -> impl Iterator<Item = &str> {
        self.manifest.genres.iter().map(|genre| genre.name.as_str())
    }

    /// How the posters become the network's input.
    pub fn input(&self) -> &Preprocess {
        &self.manifest.input
    }

    /// How it is taught.
    pub fn options(&self) -> &FineTuneOptions {
        &self.config
    }

    /// Steps that were taken.
    pub fn steps_taken(&self) -> usize {
        self.taken
    }

    /// Calls a genre by another name.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where there is no such genre, or the name is empty or another's.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        if from == to {
            return Ok(());
        }
        check_name(&self.manifest, to)?;
        let genre = self.manifest.genres.iter_mut().find(|genre| genre.name == from);
        let genre = genre.ok_or_else(|| refused(format!("there is no genre {from:?}")))?;
        genre.name = to.into();
        Ok(())
    }

    /// Takes posters to learn from, before the first step.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where a poster's labels are not one for each genre, or steps were taken already;
    /// [`Error::Compute`].
    pub async fn add(&mut self, posters: &[(Pixels, PartialLabels)]) -> Result<()> {
        let genres = self.manifest.genres.len();
        if let Some((_, labels)) = posters.iter().find(|(_, labels)| labels.len() != genres) {
            let reason = format!("a poster has {} labels for {genres} genres", labels.len());
            return Err(refused(reason));
        }
        if self.table.is_some() {
            return Err(refused("posters are added before the first step".into()));
        }
        let input = &self.manifest.input;
        for (poster, labels) in posters {
            let mut views = Vec::with_capacity(self.config.views);
            for view in 0..self.config.views {
                views.push(look(input, poster, view)?);
            }
            let (map, features) = self.see(&views);
            let (weight, bias) = self.origin.head();
            let logits = features.clone().narrow(0, 0, 1).matmul(weight) + bias.unsqueeze::<2>();
            let before = read(logits).await?;
            let seen = match map {
                Some(map) if self.config.depth == Depth::LastStage => read(map).await?,
                _ => read(features).await?,
            };
            let size = seen.len() / self.config.views;
            let views = seen.chunks(size).map(<[f32]>::to_vec).collect();
            self.posters.push(Example { labels: labels.clone(), views, before });
            let known = self.manifest.genres.iter_mut().zip(labels);
            known.for_each(|(genre, label)| genre.posters += usize::from(*label == Some(true)));
        }
        Ok(())
    }

    /// What the last stage takes of some posters, `[N, channels, height, width]`, and what the head takes, `[N, features]`.
    fn see(&self, posters: &[Pixels]) -> (Option<Tensor<4>>, Tensor<2>) {
        let device = self.origin.device();
        let alone = self.by_itself.as_ref();
        let seen =
            alone.map(|network| posters.iter().filter_map(|poster| network.features(poster)));
        if let Some(seen) = seen {
            let values: Vec<f32> = seen.flatten().collect();
            let shape = [posters.len(), values.len() / posters.len()];
            return (None, Tensor::from_data(TensorData::new::<f32, _>(values, shape), &device));
        }
        let map = self.origin.run(0..LAST_STAGE, self.manifest.input.batch(posters, &device));
        let features = self.origin.run(LAST_STAGE..PARTS, map.clone());
        (Some(map), EfficientNetLite::pool(features))
    }

    /// Takes `steps` steps of the optimiser; gives the mean cross-entropy of their posters' known labels.
    ///
    /// # Errors
    /// [`Error::NotTeachable`] where no label is known; [`Error::Compute`], also where the loss is not a number.
    pub async fn step(&mut self, steps: usize) -> Result<f32> {
        let table = match self.table.take() {
            Some(table) => table,
            None => self.tabulate()?,
        };
        let mut sum: Option<Tensor<1>> = None;
        for _ in 0..steps {
            let loss = self.step_once(&table);
            sum = Some(sum.map_or(loss.clone(), |sum| sum + loss));
        }
        self.table = Some(table);
        self.taken += steps;
        let Some(sum) = sum else { return Ok(f32::NAN) };
        let sum = read(sum).await?;
        Ok(sum.first().copied().unwrap_or(f32::NAN) / steps as f32)
    }

    /// One step; gives its loss, still on the device.
    fn step_once(&mut self, table: &Table) -> Tensor<1> {
        let (groups, genres) = (self.config.groups(), self.manifest.genres.len());
        let rows = table.sums.len() as u64;
        let drawn: Vec<usize> =
            (0..self.config.batch_size).map(|_| (self.random() % rows) as usize).collect();

        // Each group's mean over what it may know of these posters.
        let shares: Vec<f32> = (0..groups)
            .flat_map(|group| {
                let sum: f32 = drawn.iter().map(|&row| table.sums[row][group]).sum();
                std::iter::repeat_n(if sum > 0.0 { 1.0 / sum } else { 0.0 }, genres)
            })
            .collect();
        let shares = TensorData::new::<f32, _>(shares, [1, groups * genres]);
        let shares = Tensor::<2>::from_data(shares, &self.device);

        let at_once = match self.config.depth {
            Depth::Head => drawn.len(),
            Depth::LastStage => self.config.micro_batch_size,
        };
        let (mut of_head, mut of_stage) =
            (GradientsAccumulator::new(), GradientsAccumulator::new());
        let mut loss: Option<Tensor<1>> = None;
        for rows in drawn.chunks(at_once) {
            let losses = self.losses(table, rows, shares.clone());
            let mut objective = losses.clone().sum();
            if loss.is_none() {
                objective = objective + self.strayed();
            }
            let mut gradients = objective.backward();
            let head = &self.tail.head;
            of_head.accumulate(head, GradientsParams::from_module(&mut gradients, head));
            if let Some(stage) = &self.tail.stage {
                of_stage.accumulate(stage, GradientsParams::from_module(&mut gradients, stage));
            }
            let kept = losses.without_autodiff().narrow(1, 0, genres).sum();
            loss = Some(loss.map_or(kept.clone(), |loss| loss + kept));
        }
        let rate = self.config.learning_rate;
        self.tail.head = self.head_optimiser.step(rate, self.tail.head.clone(), of_head.grads());
        if let Some(stage) = self.tail.stage.take() {
            let taught = self.stage_optimiser.step(rate * STAGE_RATE, stage, of_stage.grads());
            self.tail.stage = Some(taught);
        }
        loss.unwrap_or_else(|| Tensor::zeros([1], &self.device))
    }

    /// What some rows add to each column's loss: `[1, columns]`.
    fn losses(&self, table: &Table, rows: &[usize], shares: Tensor<2>) -> Tensor<2> {
        let indices: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let indices = Tensor::from_data(TensorData::from(indices.as_slice()), &self.device);
        let inputs = table.inputs.clone().select(0, indices.clone());
        let targets = table.targets.clone().select(0, indices.clone());
        let weights = table.weights.clone().select(0, indices);
        // log(1 + exp(z)) - y z, which does not overflow.
        let z = self.tail.forward(inputs);
        let entropy = relu(z.clone()) - z.clone() * targets + (-z.abs()).exp().log1p();
        (entropy * weights * shares).sum_dim(0)
    }

    /// How far what learns is from the weights that it began with, as strongly as it is held: `[1]`.
    fn strayed(&self) -> Tensor<1> {
        let Anchor { head: (weight, bias), pull, stage } = &self.anchor;
        let mut strayed = (self.tail.head.weight.val() - weight.clone()).powi_scalar(2).sum_dim(0);
        if let Some(moved) = &self.tail.head.bias {
            strayed = strayed + (moved.val() - bias.clone()).powi_scalar(2).unsqueeze::<2>();
        }
        let of_head = (strayed * pull.clone()).sum();
        let moved = self.tail.stage.iter().flat_map(stage_weights);
        moved.zip(stage).fold(of_head, |sum, (moved, origin)| {
            sum + (moved - origin.clone()).powi_scalar(2).sum() * self.config.pull
        })
    }

    /// What the posters that a head has not learnt from say of it, beside the network as it was and guessing;
    /// `None` where nothing is kept aside, see [`FineTuneOptions::folds`].
    ///
    /// # Errors
    /// [`Error::NotTeachable`] before the first step; [`Error::Compute`].
    pub async fn evaluate(&self) -> Result<Option<FineTuneReport>> {
        let table = self.table.as_ref().ok_or_else(|| refused("no step was taken".into()))?;
        if self.config.folds < 2 {
            return Ok(None);
        }
        let genres = self.manifest.genres.len();
        let logits =
            read(self.tail.clone().forward(table.inputs.clone()).without_autodiff()).await?;
        let columns = genres * self.config.groups();
        // A poster's first view is the poster as it is.
        let rows = logits.chunks(columns).step_by(self.config.views);
        let mut answered = Vec::new();
        for ((poster, row), &fold) in self.posters.iter().zip(rows).zip(&table.folds) {
            let group = match self.config.depth {
                Depth::Head => fold + 1,
                Depth::LastStage if fold == 0 => 0,
                Depth::LastStage => continue,
            };
            let after = &row[group * genres..(group + 1) * genres];
            let before = poster.before.iter().enumerate();
            let before = before.map(|(genre, z)| (genre < self.known).then(|| sigmoid(*z)));
            answered.push(HeldOut {
                labels: &poster.labels,
                before: before.collect(),
                after: after.iter().map(|z| sigmoid(*z)).collect(),
            });
        }
        Ok(Some(FineTuneReport::new(&self.manifest, &answered)))
    }

    /// The bundle as it is taught now. Its figures are no longer known.
    pub fn bundle(&self) -> Bundle {
        let mut manifest = self.manifest.clone();
        if self.taken > 0 {
            manifest.metrics.clear();
            for genre in &mut manifest.genres {
                genre.quality = None;
            }
            manifest.training.config += &format!(", taught with {} posters", self.posters.len());
        }
        let genres = manifest.genres.len();
        let head = self.tail.head.valid();
        let weight = head.weight.val().narrow(1, 0, genres);
        let bias = head.bias.map(|bias| bias.val().narrow(0, 0, genres));
        let bias = bias.unwrap_or_else(|| Tensor::zeros([genres], &weight.device()));
        let network = match &self.tail.stage {
            Some(stage) => stage.valid(),
            None => self.origin.clone(),
        };
        let network = network.with_head(linear(weight, bias));
        Bundle { manifest, model: Model::EfficientNetLite(network) }
    }

    fn tabulate(&self) -> Result<Table> {
        let posters = &self.posters;
        let known = posters.iter().flat_map(|poster| &poster.labels).flatten().count();
        if known == 0 {
            return Err(refused(match posters.len() {
                0 => "there is no poster to learn from".into(),
                count => format!("none of the {count} posters has a label"),
            }));
        }
        let folds = self.fold();
        let genres = self.manifest.genres.len();
        let importance: Vec<[f32; 2]> = (0..genres).map(|genre| self.importance(genre)).collect();
        let groups = self.config.groups();
        let (mut inputs, mut targets, mut weights, mut sums) = (vec![], vec![], vec![], vec![]);
        for (poster, &fold) in posters.iter().zip(&folds) {
            let counts: Vec<f32> = poster
                .labels
                .iter()
                .zip(&importance)
                .map(|(label, importance)| {
                    label.map_or(0.0, |label| importance[usize::from(label)])
                })
                .collect();
            let sum: f32 = counts.iter().sum();
            for view in &poster.views {
                inputs.extend_from_slice(view);
                let mut row = Vec::with_capacity(groups);
                for group in 0..groups {
                    let share = if self.is_aside(fold, group) { 0.0 } else { 1.0 };
                    targets.extend(poster.labels.iter().map(|l| f32::from(*l == Some(true))));
                    weights.extend(counts.iter().map(|count| count * share));
                    row.push(sum * share);
                }
                sums.push(row);
            }
        }
        if sums.iter().all(|row| row[0] == 0.0) {
            return Err(refused("every poster with a label is kept aside: give more".into()));
        }
        let rows = sums.len();
        let shape = self.input_shape();
        let tensor = |values: Vec<f32>| {
            let data = TensorData::new::<f32, _>(values, [rows, groups * genres]);
            Tensor::<2>::from_data(data, &self.device)
        };
        let inputs = TensorData::new::<f32, _>(inputs, [rows, shape[0], shape[1], shape[2]]);
        let inputs = Tensor::from_data(inputs, &self.device);
        Ok(Table { inputs, targets: tensor(targets), weights: tensor(weights), sums, folds })
    }

    /// Channels, height and width of what the tail looks at.
    fn input_shape(&self) -> [usize; 3] {
        let size = self.posters.first().and_then(|p| p.views.first()).map_or(0, Vec::len);
        match self.config.depth {
            Depth::Head => [size, 1, 1],
            Depth::LastStage => {
                let Preprocess { width, height, .. } = self.manifest.input;
                let [rows, columns] = [height, width].map(|side| side.div_ceil(32) as usize);
                [size / (rows * columns), rows, columns]
            }
        }
    }

    /// Whether a group of columns may not learn from a fold.
    fn is_aside(&self, fold: usize, group: usize) -> bool {
        match self.config.depth {
            Depth::Head => group == fold + 1,
            Depth::LastStage => self.config.folds >= 2 && fold == 0,
        }
    }

    /// The fold of each poster. Posters with the same labels are spread evenly.
    fn fold(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.posters.len()).collect();
        order.sort_by(|&a, &b| self.posters[b].labels.cmp(&self.posters[a].labels));
        let mut folds = vec![0; order.len()];
        for (place, index) in order.into_iter().enumerate() {
            // From the middle, so that the fold that is kept aside is not the first of everything.
            folds[index] = (place + self.config.folds / 2) % self.config.folds.max(1);
        }
        folds
    }

    /// What a label counts that denies, and one that affirms, a genre.
    fn importance(&self, genre: usize) -> [f32; 2] {
        let labels = self.posters.iter().filter_map(|poster| poster.labels[genre]);
        let (yes, no): (Vec<bool>, Vec<bool>) = labels.partition(|label| *label);
        if yes.is_empty() || no.is_empty() {
            return [1.0, 1.0];
        }
        let ratio = (no.len() as f32 / yes.len() as f32).powf(self.config.balance as f32);
        match ratio > 1.0 {
            true => [1.0, ratio.min(LARGEST_WEIGHT)],
            false => [(1.0 / ratio).min(LARGEST_WEIGHT), 1.0],
        }
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

impl FineTuneOptions {
    fn check(&self) -> Result<()> {
        let Self { learning_rate, pull, decay, balance, views, .. } = *self;
        let numbers = [("learningRate", learning_rate), ("pull", pull), ("decay", decay)];
        if let Some((name, value)) = numbers.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            return Err(refused(format!("{name} is {value}, and must be a number from 0 on")));
        }
        if !(0.0..=1.0).contains(&balance) {
            return Err(refused(format!("balance is {balance}, and must be within 0..=1")));
        }
        let sizes = [("batchSize", self.batch_size), ("microBatchSize", self.micro_batch_size)];
        if let Some((name, size)) = sizes.iter().find(|(_, size)| !(1..=4096).contains(size)) {
            return Err(refused(format!("{name} is {size}, and must be within 1..=4096")));
        }
        if !(1..=6).contains(&views) {
            return Err(refused(format!("views is {views}, and must be within 1..=6")));
        }
        if self.folds > 100 {
            return Err(refused(format!("folds is {}, and must be at most 100", self.folds)));
        }
        Ok(())
    }

    /// Heads that learn side by side.
    fn groups(&self) -> usize {
        match self.depth {
            Depth::Head if self.folds >= 2 => self.folds + 1,
            _ => 1,
        }
    }
}

fn refused(reason: String) -> Error {
    Error::NotTeachable { reason }
}

/// `network` without Burn.
fn alone(network: &EfficientNetLite, manifest: &Manifest) -> Result<cpu::CpuModel> {
    let model = Model::EfficientNetLite(network.clone());
    let Manifest { architecture, input, .. } = manifest;
    cpu::CpuModel::with_tensors(architecture, input, model.tensors()?.into_iter().collect())
}

fn check_name(manifest: &Manifest, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(refused("a new genre has no name".into()));
    }
    if manifest.genres.iter().any(|genre| genre.name == name) {
        return Err(refused(format!("the genre {name:?} is there already")));
    }
    Ok(())
}

/// A poster as it is, mirrored, then its corners in turn, every second one mirrored.
fn look(input: &Preprocess, poster: &Pixels, view: usize) -> Result<Pixels> {
    let cropped = match view {
        0 | 1 => poster.clone(),
        2 => input.crop(poster, CROP, Corner::TopLeft)?,
        3 => input.crop(poster, CROP, Corner::BottomLeft)?,
        4 => input.crop(poster, CROP, Corner::TopRight)?,
        _ => input.crop(poster, CROP, Corner::BottomRight)?,
    };
    Ok(if view % 2 == 1 { cropped.mirrored(input.width as usize) } else { cropped })
}

/// What learns in front of the head, but for biases, which cannot wreck much.
fn stage_weights(network: &EfficientNetLite) -> Vec<Tensor<4>> {
    network.kernels(LAST_STAGE)
}

fn linear(weight: Tensor<2>, bias: Tensor<1>) -> Linear {
    Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) }
}
