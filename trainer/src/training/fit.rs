//! Trains a model with Burn's learner, from the posters of a split to checkpoints and a log in a run folder.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use burn::train::metric::{AccuracyMetric, LearningRateMetric, LossMetric};
use burn::train::renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper};
use burn::train::{
    ExecutionStrategy, Interrupter, Learner, LearningResult, MultiDeviceOptim, SupervisedTraining,
};

use crate::data::loader::Mixture;
use crate::data::soft_labels::SoftLabels;
use crate::data::split::Split;
use crate::training::adamw::AdamW;
use crate::training::epoch_log::{self, LogWriter};
use crate::training::initial_model::{self, genre_frequencies};
use crate::training::learner::TrainingModel;
use crate::training::learning_rate::schedule;
use crate::training::loaders::{LoaderSource, Loaders};
use crate::training::map_metric::MapMetric;
use crate::training::model_selection::{EarlyStopping, KeepLastTwoAndBest, usable_metric};
use crate::training::out_of_memory;
use crate::training::plain_renderer::{self, PlainRenderer};
use crate::training::run_folder::Run;
use crate::training::step_log::StepLog;

/// The place in a run from which training starts.
pub(crate) enum Start<'a> {
    /// The beginning of a new run, on the device of this name.
    New { device_name: &'a str },
    /// The end of this epoch, from its checkpoint.
    After { epoch: usize },
}

/// Trains from `start` to the last epoch. A new run folder is written only once the model has been built, so that an
/// invalid configuration creates no run.
///
/// # Errors
/// Training failed, or the user stopped it ([`was_stopped`]). Finished epochs remain in the run folder.
pub(crate) fn fit(
    run: &Run,
    devices: &[Device],
    genres: &[String],
    split: Split,
    soft_labels: SoftLabels,
    start: &Start<'_>,
    features_dir: &Path,
) -> Result<()> {
    let config = &run.config;
    let device = devices.first().context("--device names no device")?;
    let training_device = device.clone().autodiff();
    training_device.seed(config.seed);
    let frequencies = genre_frequencies(split.training_posters());
    let model = initial_model::build(config, genres, &frequencies, &training_device)?;
    let done = match start {
        Start::New { device_name } => {
            run.begin(&split, device_name)?;
            0
        }
        Start::After { epoch } => *epoch,
    };
    // Each device processes a batch of its own at every step.
    let step_size = config.batch_size * devices.len();
    let (main, additional) = (split.train.len(), split.additional.train.len());
    let mixture = Mixture::new(&config.additional, main, additional, config.epochs);
    let steps = |epoch| mixture.posters_in(epoch).div_ceil(step_size);
    let schedule = schedule(config, steps(1), (1..=config.epochs).map(steps).sum())?;
    let model = TrainingModel::new(model, &config.loss, config.ema_decay)
        .after_steps((1..=done).map(steps).sum());
    let metric = usable_metric(config.selection_metric, &split.valid);

    let source = LoaderSource {
        config,
        model: &model.model,
        frequencies,
        soft_labels,
        mixture,
        features_dir,
        device,
    };
    let Loaders { train, valid } = source.loaders(split, done + 1)?;
    let mut finished = run.log()?;
    finished.retain(|record| record.epoch <= done);
    let interrupter = Interrupter::new();
    let step_log = (config.log_steps > 0)
        .then(|| StepLog::open(&run.step_log_path(), config.log_steps, devices.len(), done))
        .transpose()?;
    let log = LogWriter::new(&run.log_path(), step_log, finished, interrupter.clone())?;

    let mut training =
        SupervisedTraining::<TrainingModel>::new(&run.dir, Arc::new(train), Arc::new(valid))
            .metrics((LossMetric::new(), AccuracyMetric::new(), MapMetric::default()))
            .metric_train_numeric(LearningRateMetric::new())
            .num_epochs(config.epochs)
            .with_default_checkpointers()
            .with_checkpointing_strategy(KeepLastTwoAndBest { metric })
            .with_metric_logger(log)
            .with_interrupter(interrupter.clone())
            .with_application_logger(None)
            .with_training_strategy(strategy(devices).into())
            .renderer(renderer(&interrupter, done, mixture));
    if done > 0 {
        training = training.checkpoint(done);
    }
    if let Some(patience) = config.patience {
        training = training.early_stopping(EarlyStopping { metric, patience });
    }
    let learner = Learner::new(model.clone(), AdamW::new(&config.optimiser).into(), schedule);
    let result = training.launch(learner);

    if let Some(error) = &result.error
        && out_of_memory::is_out_of_memory(&error.to_string())
    {
        bail!("{}", out_of_memory::advice(&model, config, genres.len(), &training_device));
    }
    explain(result, &run.dir)
}

/// Turns Burn's result into an error that says how to continue.
fn explain<M>(result: LearningResult<M>, dir: &Path) -> Result<()> {
    let resume = format!("continue with: trainer train --resume {}", dir.display());
    if let Some(error) = result.error {
        bail!("training failed: {error}; finished epochs are kept, {resume}");
    }
    let Some(interruption) = result.interrupted else { return Ok(()) };
    match interruption.reason {
        Some(reason) if reason.starts_with(epoch_log::NAN_LOSS) => {
            bail!("{reason}; finished epochs are kept: start a new run with a lower learning_rate")
        }
        _ => Err(Stopped(resume).into()),
    }
}

/// The user stopped the training.
#[derive(Debug, thiserror::Error)]
#[error("training was stopped; {0}")]
struct Stopped(String);

/// Returns whether training ended because its user stopped it.
pub(crate) fn was_stopped(error: &anyhow::Error) -> bool {
    error.is::<Stopped>()
}

/// Returns how several devices share the work: each trains on its part of the posters, and the first sums the
/// gradients. Burn's distributed strategy, which sums them on every device, does not support CPUs, on which the tests
/// run.
fn strategy(devices: &[Device]) -> ExecutionStrategy {
    let devices: Vec<Device> = devices.iter().map(|device| device.clone().autodiff()).collect();
    match devices.as_slice() {
        [device] => ExecutionStrategy::single(device.clone()),
        _ => ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice),
    }
}

/// Returns Burn's dashboard for a terminal, and plain lines otherwise.
fn renderer(interrupter: &Interrupter, done: usize, mixture: Mixture) -> Box<dyn MetricsRenderer> {
    if plain_renderer::is_terminal() {
        let checkpoint = (done > 0).then_some(done);
        Box::new(TuiMetricsRendererWrapper::new(interrupter.clone(), checkpoint))
    } else {
        Box::new(PlainRenderer::new(mixture))
    }
}
