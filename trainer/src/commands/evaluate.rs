//! `trainer evaluate`: a run or a bundle against labelled posters, every figure beside what guessing scores.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use marquee::bundle::write_atomically;
use marquee::evaluation::Line;
use marquee::metrics::{Answers, GenreFigures, MIN_POSITIVES};
use marquee::{Bundle, Classifier, Evaluation, Manifest, Pixels};

use crate::cli::EvaluateArgs;
use crate::data::dataset::Dataset;
use crate::data::posters;
use crate::data::posters::Poster;
use crate::inference::BATCH;
use crate::progress::Ticker;
use crate::training::soup::Soup;
use crate::commands::export;
use crate::device;
use crate::evaluation::report;

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let mut only = args.only.as_deref().map(read_ids).transpose()?;
    let (bundle, dataset, skip_bad, lines) = match (args.source.run.as_slice(), &args.source.bundle)
    {
        (dirs @ [_, ..], _) => {
            let soup = Soup::open(dirs)?;
            let run = &soup.first;
            let data = args.data.as_deref().unwrap_or(&run.config.data);
            let dataset = Dataset::read(data, run.config.limit)?;
            let valid = export::validation_posters(run, &dataset)?;
            let bundle = export::assemble(&soup, &dataset, &valid, &device)?;
            if only.is_none() {
                only = Some(run.judging_ids()?);
            }
            (bundle, dataset, args.skip_bad || run.config.skip_bad, run.log()?)
        }
        ([], Some(dir)) => {
            let data = args.data.as_deref().context("--data is missing")?;
            let bundle = Bundle::read(dir, &device).with_context(|| dir.display().to_string())?;
            (bundle, Dataset::read(data, None)?, args.skip_bad, Vec::new())
        }
        ([], None) => bail!("name a --run or a --bundle"),
    };
    let posters = load(dataset, &bundle.manifest, only.as_ref(), skip_bad)?;
    let judged = Judged::ask(&Classifier::new(bundle, device), posters)?;
    let report = judged.evaluate();
    print!("{}", to_text(&report));
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)? + "\n";
        write_atomically(path, json.as_bytes())?;
        println!("written to {}", path.display());
    }
    if let Some(dir) = &args.report {
        let page = report::write(dir, &judged, &report, &lines, args.with_images)?;
        println!("written to {}", page.display());
    }
    Ok(())
}

/// Reads ids, one a line.
pub(crate) fn read_ids(path: &Path) -> Result<HashSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

/// The posters of the ids in `only`, or all.
pub(crate) fn load(
    mut dataset: Dataset,
    manifest: &Manifest,
    only: Option<&HashSet<String>>,
    skip_bad: bool,
) -> Result<Vec<Poster>> {
    let genres: Vec<&str> = manifest.genres.iter().map(|genre| genre.name.as_str()).collect();
    ensure!(
        dataset.genres == genres,
        "{} has other genres than the network: {} against {}",
        dataset.dir.join("train.csv").display(),
        dataset.genres.join(", "),
        genres.join(", ")
    );
    if let Some(only) = only {
        dataset.rows.retain(|row| only.contains(&row.id));
        ensure!(!dataset.rows.is_empty(), "none of the wanted ids is in {}", dataset.dir.display());
    }
    posters::load(&dataset, &manifest.input, skip_bad)
}

/// What a network answers about labelled posters.
pub(crate) struct Judged {
    pub(crate) manifest: Manifest,
    pub(crate) posters: Vec<Poster>,
    pub(crate) probabilities: Vec<Vec<f32>>,
    pub(crate) decisions: Vec<Vec<bool>>,
    pub(crate) labels: Vec<Vec<bool>>,
}

impl Judged {
    /// Runs the classifier on all posters.
    pub(crate) fn ask(classifier: &Classifier, posters: Vec<Poster>) -> Result<Self> {
        let manifest = classifier.manifest().clone();
        let probabilities = answer(classifier, &posters)?;
        let decisions = manifest.decide(&probabilities);
        let labels = posters.iter().map(|poster| poster.row.labels.clone()).collect();
        Ok(Self { manifest, posters, probabilities, decisions, labels })
    }

    pub(crate) fn answers(&self) -> Answers<'_> {
        let Self { probabilities, decisions, labels, .. } = self;
        Answers { probabilities, decisions, labels }
    }

    /// Every figure beside what guessing scores.
    pub(crate) fn evaluate(&self) -> Evaluation {
        Evaluation::of(&self.manifest, self.answers())
    }

    pub(crate) fn genre_names(&self) -> Vec<String> {
        self.manifest.genres.iter().map(|genre| genre.name.clone()).collect()
    }
}

/// The evaluation as a terminal shows it.
fn to_text(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    let frequent = evaluation.most_frequent_genres.join(", ");
    let _ = writeln!(text, "\n{} posters", evaluation.posters);
    let _ = writeln!(text, "{:36} {:>8} {:>8}   always {frequent}", "", "network", "priors");
    for Line { name, network, priors, most_frequent, .. } in evaluation.lines() {
        let _ = writeln!(text, "{name:36} {network:8.4} {priors:8.4} {most_frequent:8.4}");
    }
    let _ = writeln!(
        text,
        "\nlower is better for binary cross-entropy and calibration error (where guessing each genre's\n\
         frequency is perfect), higher for the rest; mean average precision and AUROC are over the\n\
         genres with {MIN_POSITIVES} or more positives: {}\n",
        evaluation.judged_genres.join(", ")
    );
    let worse: Vec<String> =
        evaluation.lines().into_iter().filter(Line::is_worse).map(|line| line.name).collect();
    if !worse.is_empty() {
        let _ = writeln!(text, "worse than guessing: {}\n", worse.join("; "));
    }
    let _ = writeln!(
        text,
        "{:14} {:>9} {:>9} {:>9} {:>7} {:>9} {:>7} {:>7} {:>9}",
        "genre",
        "positives",
        "predicted",
        "av. prec.",
        "AUROC",
        "precision",
        "recall",
        "F1",
        "threshold"
    );
    for genre in &evaluation.genres {
        let GenreFigures { genre: name, positives, predicted, threshold, .. } = genre;
        let GenreFigures { average_precision, auroc, precision, recall, f1, .. } = genre;
        let _ = writeln!(
            text,
            "{name:14} {positives:9} {predicted:9} {average_precision:9.4} {auroc:7.4} \
             {precision:9.4} {recall:7.4} {f1:7.4} {threshold:9.2}"
        );
    }
    text
}

/// Each poster's probabilities, in the posters' order.
pub(crate) fn answer(classifier: &Classifier, posters: &[Poster]) -> Result<Vec<Vec<f32>>> {
    let ticker = Ticker::new("classifying posters", posters.len());
    let mut answers = Vec::with_capacity(posters.len());
    for batch in posters.chunks(BATCH) {
        let pixels: Vec<Pixels> = batch.iter().map(|poster| poster.pixels.clone()).collect();
        answers.extend(pollster::block_on(classifier.probabilities(&pixels))?);
        ticker.tick(answers.len());
    }
    ticker.finish();
    Ok(answers)
}
