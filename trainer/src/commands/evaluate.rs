//! `trainer evaluate`: the metrics of a run or a bundle on labelled posters, as text, JSON or an HTML report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use marquee::bundle::write_atomically;
use marquee::{Bundle, Classifier};

use crate::cli::EvaluateArgs;
use crate::data::dataset::Dataset;
use crate::data::poster_ids;
use crate::data::posters::Poster;
use crate::device;
use crate::evaluation::classified_posters::{self, ClassifiedPosters};
use crate::evaluation::{report, text_table};
use crate::export::from_runs;
use crate::training::epoch_log::EpochRecord;
use crate::training::soup::Soup;

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let only = args.only.as_deref().map(poster_ids::read).transpose()?;
    let Subject { bundle, dataset, evaluation_ids, additional, skip_bad, log } =
        open(args, &device)?;
    let ids = only.or(evaluation_ids);
    let posters = classified_posters::load(dataset, &bundle.manifest, ids.as_ref(), skip_bad)?;
    let classifier = Classifier::new(bundle);
    let classified = ClassifiedPosters::new(&classifier, posters)?;
    let evaluation = classified.evaluate();
    print!("{}", text_table::format(&evaluation));
    if !additional.is_empty() && args.only.is_none() {
        println!("\nadditional test split, from other sources:");
        let evaluation = ClassifiedPosters::new(&classifier, additional)?.evaluate();
        print!("{}", text_table::format(&evaluation));
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&evaluation)? + "\n";
        write_atomically(path, json.as_bytes())?;
        println!("metrics written to {}", path.display());
    }
    if let Some(dir) = &args.report {
        let path = report::write(dir, &classified, &evaluation, &log, args.with_images)?;
        println!("report written to {}", path.display());
    }
    Ok(())
}

/// The model to evaluate, and the posters to evaluate it on.
struct Subject {
    bundle: Bundle,
    dataset: Dataset,
    /// The run's own evaluation posters; `None` for a bundle, which is evaluated on all posters.
    evaluation_ids: Option<HashSet<String>>,
    /// The run's additional test split; empty for a bundle.
    additional: Vec<Poster>,
    skip_bad: bool,
    /// A run's training log; empty for a bundle.
    log: Vec<EpochRecord>,
}

fn open(args: &EvaluateArgs, device: &Device) -> Result<Subject> {
    match (args.source.run.as_slice(), &args.source.bundle) {
        (dirs @ [_, ..], _) => open_runs(args, dirs, device),
        ([], Some(dir)) => open_bundle(args, dir, device),
        ([], None) => bail!("pass --run or --bundle"),
    }
}

fn open_runs(args: &EvaluateArgs, dirs: &[PathBuf], device: &Device) -> Result<Subject> {
    let soup = Soup::open(dirs)?;
    let run = &soup.first;
    let data = args.data.as_deref().unwrap_or(&run.config.data);
    let dataset = run.config.dataset(data)?;
    let validation = from_runs::validation_posters(run, &dataset)?;
    let bundle = from_runs::assemble(&soup, &dataset, &validation, device)?;
    let evaluation_ids = Some(run.evaluation_ids()?);
    let skip_bad = args.skip_bad || run.config.skip_bad;
    let additional = run.additional_test_posters(&dataset)?;
    Ok(Subject { bundle, dataset, evaluation_ids, additional, skip_bad, log: run.log()? })
}

fn open_bundle(args: &EvaluateArgs, dir: &Path, device: &Device) -> Result<Subject> {
    let data = args.data.as_deref().context("--bundle needs --data")?;
    let bundle = Bundle::read(dir, device).with_context(|| dir.display().to_string())?;
    let dataset = Dataset::for_bundle(data, None, &bundle.manifest)?;
    Ok(Subject {
        bundle,
        dataset,
        evaluation_ids: None,
        additional: Vec::new(),
        skip_bad: args.skip_bad,
        log: Vec::new(),
    })
}
