//! `trainer train`: posters to a run folder, by Burn's learner.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLrScheduler, ModuleLrSchedulerConfig};
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Device;
use burn::train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn::train::metric::store::{Aggregate, Direction, EventStoreClient, Split as Side};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper};
use burn::train::{
    ExecutionStrategy, Interrupter, Learner, MetricEarlyStoppingStrategy, MultiDeviceOptim,
    StoppingCondition, SupervisedTraining,
};
use marquee::Model;
use marquee::architecture::efficientnet_lite::{PARTS, part_path};

use crate::cli::TrainArgs;
use crate::data::augment::Crops;
use crate::data::dataset::Dataset;
use crate::data::loader::{Loader, Targets};
use crate::data::posters::Poster;
use crate::data::split::Split;
use crate::data::{near_duplicates, posters};
use crate::progress::{PlainLines, terminal};
use crate::training::config::{Config, Goal, OptimiserConfig, Schedule};
use crate::training::epoch_log::LogWriter;
use crate::training::features::{Features, Views};
use crate::training::learner::Learning;
use crate::training::map_metric::{self, RankingMetric};
use crate::training::run_folder::Run;
use crate::training::{curves, distillation, epoch_log, out_of_memory};
use crate::device;
use crate::formats::pretrained;

pub(crate) fn run(args: TrainArgs) -> Result<()> {
    let (run, resumed) = match (&args.resume, &args.out) {
        (Some(dir), _) => (Run::open(dir)?, true),
        (None, Some(dir)) => (Run::create(dir, Config::resolve(&args)?)?, false),
        (None, None) => bail!("--out is missing"),
    };
    let config = &run.config;
    let done = if resumed { run.last_checkpoint()? } else { 0 };
    if done == config.epochs || epoch_log::ran_out_of_patience(&run.log()?, config) {
        println!("{} is finished: {done} epochs are done", run.dir.display());
        return finish(&run);
    }

    if resumed {
        run.check_config()?;
        run.remove_drafts()?;
    }
    let dataset = Dataset::read(&config.data, config.limit)?;
    let all = posters::load(&dataset, &config.judged_input(), config.skip_bad || args.skip_bad)?;
    let split_seed = config.split_seed.unwrap_or(config.seed);
    let shares = [config.valid_share, config.test_share];
    let looks =
        config.lookalikes_together.then(|| near_duplicates::looks(&dataset, &all)).transpose()?;
    let split = Split::draw(all, shares, split_seed, looks.as_deref());
    ensure!(!split.train.is_empty(), "no poster is left to train on; give more posters");
    ensure!(
        !split.valid.is_empty(),
        "every poster that was kept aside looks nearly like one to train on: none can judge; give more posters"
    );
    let aside = split.valid.len() + split.test.len();
    println!("{} posters to train on, {aside} kept aside", split.train.len());
    warn_of_missing_genres(&dataset.genres, &split.train);

    let (devices, device_name) = device::open_all(&args.device)?;
    if resumed {
        run.check_split(&split)?;
        println!("resuming behind epoch {done} of {}", config.epochs);
    }
    let features_dir = args.features.unwrap_or_else(|| run.dir.join("features"));
    let new_on = (!resumed).then_some(device_name.as_str());
    fit(&run, &devices, &dataset, split, done, new_on, &features_dir)?;
    finish(&run)
}

/// Trains from behind epoch `done` to the last. A new run, on the device named by `new_on`, begins once nothing
/// stands in its way.
fn fit(
    run: &Run,
    devices: &[Device],
    dataset: &Dataset,
    split: Split,
    done: usize,
    new_on: Option<&str>,
    features_dir: &Path,
) -> Result<()> {
    let config = &run.config;
    let (input, judged) = (&config.input, &config.judged_input());
    let device = devices.first().context("--device names none")?;
    let training_device = device.clone().autodiff();
    training_device.seed(config.seed);
    let frequencies = frequencies(&split.train);
    let genres = frequencies.len();
    let model = start(config, &frequencies, &training_device)?;
    let model = Learning::new(model, &config.loss, config.average);
    if let Some(device) = new_on {
        run.begin(&split, device)?;
    }
    // Each device takes a batch of its own at every step.
    let step_size = config.batch_size * devices.len();
    let schedule = schedule(config, split.train.len().div_ceil(step_size))?;

    let targets = Targets {
        smoothing: config.loss.smoothing as f32,
        frequencies,
        teachers: distillation::answers(&config.teaching, dataset, &split.train, device)?,
        teaching: config.teaching.share as f32,
    };
    let features = |wanted: Views<'_>| {
        if config.cached_views == 0 {
            return Ok(None);
        }
        let front = model.model.clone().valid();
        let features = Features::of(&wanted, &front, config, features_dir, device)?;
        anyhow::Ok(Some(Arc::new(features)))
    };
    let crops = Crops { augment: &config.augment, from: judged };
    let (views, posters) = (config.cached_views, &split.train);
    let train_features = features(Views { posters, views, crops: Some(crops), input })?;
    let posters = &split.valid;
    let valid_features = features(Views { posters, views: 1, crops: None, input: judged })?;
    let train = Loader::in_order(split.train, input, config.batch_size, device)
        .with_features(train_features)
        .shuffled(config.seed, done + 1, crops, targets, config.balance);
    let valid = Loader::in_order(split.valid, judged, config.batch_size, device)
        .with_features(valid_features);
    let mut finished = run.log()?;
    finished.retain(|line| line.epoch <= done);
    let interrupter = Interrupter::new();
    let log = LogWriter::new(&run.log_path(), finished, interrupter.clone())?;

    let mut training =
        SupervisedTraining::<Learning>::new(&run.dir, Arc::new(train), Arc::new(valid))
            .metrics((LossMetric::new(), AccuracyMetric::new(), RankingMetric::default()))
            .num_epochs(config.epochs)
            .with_default_checkpointers()
            .with_checkpointing_strategy(LastTwoAndBest { goal: config.goal })
            .with_metric_logger(log)
            .with_interrupter(interrupter.clone())
            .with_application_logger(None)
            .with_training_strategy(strategy(devices).into())
            .renderer(renderer(&interrupter, done));
    if done > 0 {
        training = training.checkpoint(done);
    }
    if let Some(patience) = config.patience {
        training = training.early_stopping(early_stopping(config.goal, patience));
    }
    let learner = Learner::new(model.clone(), optimiser(&config.optimiser), schedule);
    let result = training.launch(learner);

    if let Some(error) = result.error {
        if out_of_memory::ran_out(&error.to_string()) {
            bail!("{}", out_of_memory::advice(&model, config, genres, &training_device));
        }
        bail!("training stopped: {error}; what is finished is kept, {}", resume_hint(&run.dir));
    }
    let Some(interruption) = result.interrupted else { return Ok(()) };
    match interruption.reason {
        Some(reason) if reason.starts_with(epoch_log::NOT_A_NUMBER) => {
            bail!("{reason}; what is finished is kept: start a new run with a lower learning_rate")
        }
        _ => Err(Stopped(resume_hint(&run.dir)).into()),
    }
}

/// The user stopped the training.
#[derive(Debug, thiserror::Error)]
#[error("training was stopped; {0}")]
struct Stopped(String);

/// Whether a training did not fail, but was stopped by its user.
pub(crate) fn was_stopped(error: &anyhow::Error) -> bool {
    error.is::<Stopped>()
}

/// On several devices, each has its share of the posters, and their gradients are summed on the first. Burn's
/// distributed strategy, which sums them everywhere, knows no CPU, on which this one can be tested.
fn strategy(devices: &[Device]) -> ExecutionStrategy {
    let devices: Vec<Device> = devices.iter().map(|device| device.clone().autodiff()).collect();
    match devices.as_slice() {
        [device] => ExecutionStrategy::single(device.clone()),
        _ => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice),
    }
}

/// The network before its first step: pretrained where the configuration says so, its front frozen, its head
/// answering each genre's frequency.
fn start(config: &Config, frequencies: &[f32], device: &Device) -> Result<Model> {
    let input = [config.input.width, config.input.height];
    let model = Model::init(&config.architecture, input, frequencies.len(), device);
    let mut model = model.map_err(anyhow::Error::msg)?;
    if let Some(path) = &config.pretrained {
        pretrained::load(&mut model, &config.architecture, path, false)?;
    }
    Ok(match model {
        Model::EfficientNetLite(network) => {
            let network = network.with_prior(frequencies).freeze(config.frozen_parts);
            Model::EfficientNetLite(network)
        }
        model => model,
    })
}

/// Each genre's share among the posters, kept off 0 and 1.
fn frequencies(posters: &[Poster]) -> Vec<f32> {
    let genres = posters.first().map_or(0, |poster| poster.row.labels.len());
    let count = |genre: usize| posters.iter().filter(|poster| poster.row.labels[genre]).count();
    (0..genres).map(|genre| (count(genre) as f32 + 0.5) / (posters.len() as f32 + 1.0)).collect()
}

fn warn_of_missing_genres(names: &[String], train: &[Poster]) {
    let missing = |genre: &usize| !train.iter().any(|poster| poster.row.labels[*genre]);
    let missing: Vec<&str> =
        (0..names.len()).filter(missing).map(|genre| names[genre].as_str()).collect();
    if !missing.is_empty() {
        eprintln!(
            "warning: no poster to train on has {}: the network will hardly ever name it",
            missing.join(" or ")
        );
    }
}

fn optimiser(config: &OptimiserConfig) -> ModuleOptimizer {
    AdamWConfig::new()
        .with_epsilon(config.epsilon as f32)
        .with_weight_decay(config.weight_decay as f32)
        .with_grad_clipping(config.clip_norm.map(|norm| GradientClippingConfig::Norm(norm as f32)))
        .init()
}

/// The rate at each step; lower for each part of the network that stands further in front.
fn schedule(config: &Config, steps_an_epoch: usize) -> Result<ModuleLrScheduler> {
    let OptimiserConfig { warmup_epochs, schedule, part_decay, .. } = &config.optimiser;
    let steps = config.epochs * steps_an_epoch;
    let warmup = ((warmup_epochs * steps_an_epoch as f64) as usize).min(steps - 1);
    let of = |rate: f64| -> LrSchedulerConfig {
        let behind = match schedule {
            Schedule::Constant => LrSchedulerConfig::Constant(rate),
            Schedule::Cosine => CosineAnnealingLrSchedulerConfig::new(rate, steps - warmup).into(),
        };
        if warmup == 0 {
            return behind;
        }
        let rising = LinearLrSchedulerConfig::new(rate / warmup as f64, rate, warmup);
        SequentialLrSchedulerConfig::new(vec![rising.into(), behind], vec![warmup]).into()
    };
    let mut all = ModuleLrSchedulerConfig::new(of(config.learning_rate));
    if *part_decay < 1.0 {
        for part in 0..PARTS {
            let behind = (PARTS - part) as f64;
            let path = regex::escape(&part_path(part));
            let group = ParamGroup::from_regex(format!("(^|\\.){path}"))
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            all = all.with_group(group, of(config.learning_rate * part_decay.powf(behind)));
        }
    }
    all.init().map_err(anyhow::Error::msg)
}

fn early_stopping(goal: Goal, patience: usize) -> MetricEarlyStoppingStrategy {
    let condition = StoppingCondition::NoImprovementSince { n_epochs: patience };
    let (mean, valid) = (Aggregate::Mean, Side::Valid);
    match goal {
        Goal::Loss => {
            let metric = LossMetric::new();
            MetricEarlyStoppingStrategy::new(&metric, mean, Direction::Lowest, valid, condition)
        }
        Goal::Ranking => {
            let metric = RankingMetric::default();
            MetricEarlyStoppingStrategy::new(&metric, mean, Direction::Highest, valid, condition)
        }
    }
}

fn resume_hint(dir: &Path) -> String {
    format!("go on with: trainer train --resume {}", dir.display())
}

fn renderer(interrupter: &Interrupter, done: usize) -> Box<dyn MetricsRenderer> {
    if terminal() {
        let checkpoint = (done > 0).then_some(done);
        Box::new(TuiMetricsRendererWrapper::new(interrupter.clone(), checkpoint))
    } else {
        Box::new(PlainLines::new())
    }
}

fn finish(run: &Run) -> Result<()> {
    let lines = run.log()?;
    let best = epoch_log::best(&lines, run.config.goal).context("no epoch was finished")?;
    run.keep_best(best)?;
    curves::draw(&lines, &run.dir)?;
    println!(
        "best epoch {}: validation loss {:.4}, accuracy {:.1} %, mean average precision {:.3}; see {}",
        best.epoch,
        best.loss,
        best.accuracy * 100.0,
        best.mean_average_precision,
        run.dir.display()
    );
    Ok(())
}

/// Keeps the checkpoints of the last two epochs (one might be half-written when the power fails) and of the
/// best one.
struct LastTwoAndBest {
    goal: Goal,
}

impl CheckpointingStrategy for LastTwoAndBest {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let (name, direction) = match self.goal {
            Goal::Loss => ("Loss", Direction::Lowest),
            Goal::Ranking => (map_metric::NAME, Direction::Highest),
        };
        let best = store.find_epoch(name, Aggregate::Mean, direction, &Side::Valid);
        let outdated = (1..epoch.saturating_sub(1)).filter(|&old| Some(old) != best);
        let mut actions = vec![CheckpointingAction::Save];
        actions.extend(outdated.map(CheckpointingAction::Delete));
        actions
    }
}
