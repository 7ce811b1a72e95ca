//! `trainer train`: posters to a run folder, by Burn's learner.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn::train::metric::store::{Aggregate, Direction, EventStoreClient, Split as Side};
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper};
use burn::train::{Interrupter, Learner, SupervisedTraining};

use crate::cli::TrainArgs;
use crate::config::Config;
use crate::dataset::Dataset;
use crate::learner::Learning;
use crate::loader::Loader;
use crate::log::LogWriter;
use crate::progress::{PlainLines, terminal};
use crate::run::Run;
use crate::split::Split;
use crate::{curves, device, log, posters};

pub(crate) fn run(args: TrainArgs) -> Result<()> {
    let (run, resumed) = match (&args.resume, &args.out) {
        (Some(dir), _) => (Run::open(dir)?, true),
        (None, Some(dir)) => (Run::create(dir, Config::resolve(&args)?)?, false),
        (None, None) => bail!("--out is missing"),
    };
    let config = &run.config;
    let done = if resumed { run.last_checkpoint() } else { 0 };
    if done == config.epochs {
        println!("{} is finished: all {done} epochs are done", run.dir.display());
        return finish(&run);
    }

    let dataset = Dataset::read(&config.data, config.limit)?;
    let all = posters::load(&dataset, &config.input, config.skip_bad || args.skip_bad)?;
    let split = Split::draw(all, config.valid_share, config.seed);
    ensure!(!split.train.is_empty(), "no poster is left to train on; give more posters");
    println!("{} posters to train on, {} kept aside", split.train.len(), split.valid.len());

    let (device, device_name) = device::open(args.device)?;
    if resumed {
        run.check_split(&split)?;
        println!("resuming behind epoch {done} of {}", config.epochs);
    } else {
        run.begin(&split, &device_name)?;
    }
    fit(&run, &device, dataset.genres.len(), split, done)?;
    finish(&run)
}

/// Trains from behind epoch `done` to the last.
fn fit(run: &Run, device: &Device, genres: usize, split: Split, done: usize) -> Result<()> {
    let config = &run.config;
    let input = &config.input;
    let training_device = device.clone().autodiff();
    training_device.seed(config.seed);
    let model = config.architecture.init([input.width, input.height], genres, &training_device);
    let model = Learning { model: model.map_err(anyhow::Error::msg)? };

    let train = Loader::in_order(split.train, input, config.batch_size, device)
        .shuffled(config.seed, done + 1);
    let valid = Loader::in_order(split.valid, input, config.batch_size, device);
    let mut finished = run.log()?;
    finished.retain(|line| line.epoch <= done);
    let log = LogWriter::new(&run.log_path(), finished)?;

    let interrupter = Interrupter::new();
    let mut training =
        SupervisedTraining::<Learning>::new(&run.dir, Arc::new(train), Arc::new(valid))
            .metrics((LossMetric::new(), AccuracyMetric::new()))
            .num_epochs(config.epochs)
            .with_default_checkpointers()
            .with_checkpointing_strategy(LastTwoAndBest)
            .with_metric_logger(log)
            .with_interrupter(interrupter.clone())
            .with_application_logger(None)
            .renderer(renderer(&interrupter, done));
    if done > 0 {
        training = training.checkpoint(done);
    }
    // Keras' epsilon, as in the notebook.
    let optimiser = AdamConfig::new().with_epsilon(1e-7).init();
    let result = training.launch(Learner::new(model, optimiser, config.learning_rate));

    if let Some(error) = result.error {
        bail!("training stopped: {error}; what is finished is kept, {}", resume_hint(&run.dir));
    }
    if result.interrupted.is_some() {
        bail!("training was stopped; {}", resume_hint(&run.dir));
    }
    Ok(())
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
    let best = log::best(&lines).context("no epoch was finished")?;
    run.keep_best(best)?;
    curves::draw(&lines, &run.dir)?;
    println!(
        "best epoch {}: validation loss {:.4}, accuracy {:.1} %; see {}",
        best.epoch,
        best.loss,
        best.accuracy * 100.0,
        run.dir.display()
    );
    Ok(())
}

/// Keeps the checkpoints of the last two epochs (one might be half-written when the power fails) and of the
/// one with the lowest validation loss.
struct LastTwoAndBest;

impl CheckpointingStrategy for LastTwoAndBest {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let best = store.find_epoch("Loss", Aggregate::Mean, Direction::Lowest, &Side::Valid);
        let outdated = (1..epoch.saturating_sub(1)).filter(|&old| Some(old) != best);
        let mut actions = vec![CheckpointingAction::Save];
        actions.extend(outdated.map(CheckpointingAction::Delete));
        actions
    }
}
