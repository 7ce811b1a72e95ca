//! `trainer evaluate`: the metrics of a run, a bundle or a file of answers on labelled posters, beside baselines and
//! beside another one of them, as text, JSON or an HTML report.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use marquee::bundle::write_atomically;
use serde::Serialize;

use crate::cli::EvaluateArgs;
use crate::data::dataset::Dataset;
use crate::data::poster_ids;
use crate::device;
use crate::evaluation::classified_posters::ClassifiedPosters;
use crate::evaluation::posters_to_evaluate::{Origin, PostersToEvaluate};
use crate::evaluation::predictor::Predictor;
use crate::evaluation::result::{Comparison, EvaluationResult};
use crate::evaluation::{report, text_table};
use crate::formats::answers::Answers;
use crate::training::epoch_log::EpochRecord;
use crate::training::soup::Soup;

/// Column of train.csv that marks missing data, as in the training configurations. Answers do not say how their model
/// was trained.
const MISSING_GENRE: &str = "N/A";

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let subject = open(args, &device)?;
    let against = args.against.as_deref().map(|path| {
        let all = subject.posters.iter().flat_map(|posters| &posters.datasets);
        let datasets: Vec<&Dataset> = all.chain([&subject.dataset]).collect();
        Predictor::open(path, &datasets, &device)
            .with_context(|| format!("--against {}", path.display()))
    });
    let against = against.transpose()?;

    let mut evaluated = Vec::new();
    for posters in &subject.posters {
        let (classified, result) = evaluate(args, &subject, against.as_ref(), posters)?;
        print!("{}", text_table::format(&result));
        evaluated.push((classified, result));
    }
    if let Some(path) = &args.save_answers {
        save_answers(path, &evaluated)?;
    }
    if let Some(path) = &args.json {
        write_json(path, &evaluated)?;
    }
    if let Some(dir) = &args.report {
        let about = report::About {
            name: &subject.predictor.name,
            manifest: subject.predictor.manifest(),
            log: &subject.log,
            with_images: args.with_images,
        };
        let path = report::write(dir, &about, &evaluated)?;
        println!("report written to {}", path.display());
    }
    Ok(())
}

/// What is evaluated, and on which posters.
struct Subject {
    predictor: Predictor,
    /// All labelled posters of the main data.
    dataset: Dataset,
    /// The first ones are the most important ones.
    posters: Vec<PostersToEvaluate>,
    skip_bad: bool,
    /// A run's training log; empty for others.
    log: Vec<EpochRecord>,
}

fn open(args: &EvaluateArgs, device: &Device) -> Result<Subject> {
    let only = args.only.as_deref().map(poster_ids::read).transpose()?;
    let source = &args.source;
    let mut skip_bad = args.skip_bad;
    let mut log = Vec::new();
    let data = || args.data.as_deref().context("--data is missing");
    let given =
        |dataset: &Dataset| anyhow::Ok(vec![PostersToEvaluate::given(dataset, only.as_ref())?]);
    let (predictor, dataset, posters) = if !source.run.is_empty() {
        let soup = Soup::open(&source.run)?;
        let run = &soup.first;
        let dataset = run.config.dataset(args.data.as_deref().unwrap_or(&run.config.data))?;
        let posters = match only {
            Some(_) => given(&dataset)?,
            None => PostersToEvaluate::of_run(run, &dataset)?,
        };
        skip_bad |= run.config.skip_bad;
        log = run.log()?;
        (Predictor::of_runs(&soup, &dataset, device)?, dataset, posters)
    } else if let Some(path) = &source.bundle {
        let predictor = Predictor::of_bundle(path, device)?;
        let manifest = predictor.manifest().context("a bundle has a manifest")?;
        let dataset = Dataset::for_bundle(data()?, None, manifest)?;
        let posters = given(&dataset)?;
        (predictor, dataset, posters)
    } else if let Some(path) = &source.answers {
        let mut dataset = Dataset::read(data()?, None)?;
        let predictor = Predictor::of_answers(path, &[&dataset])?;
        if !predictor.genres().contains(&MISSING_GENRE) {
            dataset = dataset.with_missing_genre(Some(MISSING_GENRE));
        }
        let posters = given(&dataset)?;
        (predictor, dataset, posters)
    } else {
        bail!("pass --run, --bundle or --answers");
    };
    posters.iter().try_for_each(|posters| predictor.check_genres(&posters.datasets))?;
    Ok(Subject { predictor, dataset, posters, skip_bad, log })
}

fn evaluate(
    args: &EvaluateArgs,
    subject: &Subject,
    against: Option<&Predictor>,
    PostersToEvaluate { origin, datasets }: &PostersToEvaluate,
) -> Result<(ClassifiedPosters, EvaluationResult)> {
    let Subject { predictor, skip_bad, .. } = subject;
    let with_images = args.with_images;
    let classified = predictor.classify(datasets, *skip_bad, with_images)?;
    let resamples = args.resamples.get();
    let mut result = EvaluationResult::new(&classified, *origin, resamples);
    if let Some(other) = against.filter(|other| !other.ignores(datasets)) {
        for model in [predictor, other] {
            let trained_on = model.trained_on(&classified.rows);
            ensure!(
                trained_on == 0,
                "{} was trained on {trained_on} of the {} posters: compare on posters that trained \
                 neither, with --only",
                model.name,
                classified.rows.len()
            );
        }
        let other_classified = other.classify(datasets, *skip_bad, false)?;
        let names = [predictor.name.as_str(), &other.name];
        result.against = Some(Comparison::new(names, &classified, &other_classified, resamples)?);
    }
    Ok((classified, result))
}

/// Writes the predictions about all evaluated posters.
fn save_answers(path: &Path, evaluated: &[(ClassifiedPosters, EvaluationResult)]) -> Result<()> {
    let genres = evaluated.first().map(|(classified, _)| classified.genres.as_slice());
    let genres = genres.context("nothing was evaluated")?;
    let mut answers = Answers {
        genres: genres.iter().map(|genre| genre.name.clone()).collect(),
        ids: Vec::new(),
        probabilities: Vec::new(),
        thresholds: Some(genres.iter().map(|genre| genre.threshold).collect()),
    };
    for (classified, _) in evaluated {
        classified.append_to(&mut answers);
    }
    answers.write(path).context("--save-answers")?;
    println!("answers for {} posters written to {}", answers.ids.len(), path.display());
    Ok(())
}

/// Writes the metrics as JSON: those of the main posters, and within them those of the additional ones.
fn write_json(path: &Path, evaluated: &[(ClassifiedPosters, EvaluationResult)]) -> Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        main: &'a EvaluationResult,
        #[serde(skip_serializing_if = "Option::is_none")]
        additional: Option<&'a EvaluationResult>,
    }
    let results = || evaluated.iter().map(|(_, result)| result);
    let is_additional = |result: &&EvaluationResult| result.split == Origin::AdditionalTest;
    let main = results().next().context("nothing was evaluated")?;
    let document = Document { main, additional: results().find(is_additional) };
    write_atomically(path, (serde_json::to_string_pretty(&document)? + "\n").as_bytes())?;
    println!("metrics written to {}", path.display());
    Ok(())
}
