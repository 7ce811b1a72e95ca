//! `trainer evaluate`: a run or a bundle against labelled posters, every figure beside what guessing scores.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use marquee::bundle::{Metric, write_atomically};
use marquee::{Bundle, Classifier, Manifest, Pixels};
use serde::Serialize;

use crate::answers::BATCH;
use crate::cli::EvaluateArgs;
use crate::dataset::Dataset;
use crate::metrics::{Answers, FIGURES, Figure, Figures, GenreFigures, MIN_POSITIVES};
use crate::posters::Poster;
use crate::progress::Ticker;
use crate::run::Run;
use crate::{device, export, posters, report};

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    let mut only = args.only.as_deref().map(read_ids).transpose()?;
    let (bundle, dataset, skip_bad, lines) = match (&args.source.run, &args.source.bundle) {
        (Some(dir), _) => {
            let run = Run::open(dir)?;
            let data = args.data.as_deref().unwrap_or(&run.config.data);
            let dataset = Dataset::read(data, run.config.limit)?;
            let valid = export::validation_posters(&run, &dataset)?;
            let bundle = export::assemble(&run, &dataset, &valid, &device)?;
            if only.is_none() {
                only = Some(run.judging_ids()?);
            }
            (bundle, dataset, args.skip_bad || run.config.skip_bad, run.log()?)
        }
        (None, Some(dir)) => {
            let data = args.data.as_deref().context("--data is missing")?;
            let bundle = Bundle::read(dir, &device).with_context(|| dir.display().to_string())?;
            (bundle, Dataset::read(data, None)?, args.skip_bad, Vec::new())
        }
        (None, None) => bail!("name a --run or a --bundle"),
    };
    let posters = load(dataset, &bundle.manifest, only.as_ref(), skip_bad)?;
    let judged = Judged::ask(&Classifier::new(bundle, device), posters)?;
    let report = Report::of(&judged);
    print!("{}", report.to_text());
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
        let decide = |row: &Vec<f32>| {
            row.iter().zip(&manifest.genres).map(|(p, genre)| *p >= genre.threshold).collect()
        };
        let decisions = probabilities.iter().map(decide).collect();
        let labels = posters.iter().map(|poster| poster.row.labels.clone()).collect();
        Ok(Self { manifest, posters, probabilities, decisions, labels })
    }

    pub(crate) fn answers(&self) -> Answers<'_> {
        let Self { probabilities, decisions, labels, .. } = self;
        Answers { probabilities, decisions, labels }
    }

    pub(crate) fn genre_names(&self) -> Vec<String> {
        self.manifest.genres.iter().map(|genre| genre.name.clone()).collect()
    }
}

/// Every figure of a network and of the trivial baselines on the same posters.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) posters: usize,
    pub(crate) network: Figures,
    /// Each genre's frequency among the training posters, for every poster.
    priors: Figures,
    /// The two most frequent genres, for every poster. Its ranking is that of the priors.
    most_frequent: Figures,
    pub(crate) most_frequent_genres: Vec<String>,
    /// Genres in the mean average precision and AUROC.
    pub(crate) judged_genres: Vec<String>,
    pub(crate) genres: Vec<GenreFigures>,
}

impl Report {
    /// The figures of a network's answers.
    pub(crate) fn of(judged: &Judged) -> Self {
        let Judged { manifest, labels, .. } = judged;
        let names = judged.genre_names();
        let thresholds: Vec<f32> = manifest.genres.iter().map(|genre| genre.threshold).collect();
        let answers = judged.answers();

        let total = manifest.training.train_posters.max(1) as f32;
        let priors: Vec<f32> =
            manifest.genres.iter().map(|genre| genre.posters as f32 / total).collect();
        let mut order: Vec<usize> = (0..priors.len()).collect();
        order.sort_by(|&a, &b| priors[b].total_cmp(&priors[a]));
        let frequent: Vec<usize> = order.into_iter().take(2).collect();
        let for_all = |row: Vec<bool>| vec![row; labels.len()];
        let priors_for_all = vec![priors.clone(); labels.len()];
        let baseline = |decisions: &[Vec<bool>]| {
            Answers { probabilities: &priors_for_all, decisions, labels }.figures()
        };

        Self {
            posters: labels.len(),
            network: answers.figures(),
            priors: baseline(&for_all(priors.iter().map(|&prior| prior >= 0.5).collect())),
            most_frequent: baseline(&for_all(
                (0..priors.len()).map(|genre| frequent.contains(&genre)).collect(),
            )),
            most_frequent_genres: frequent.iter().map(|&genre| names[genre].clone()).collect(),
            judged_genres: answers.judged_genres(&names),
            genres: answers.by_genre(&names, &thresholds),
        }
    }

    /// The figures as the manifest keeps them, beside the better of the two baselines.
    pub(crate) fn to_manifest(&self) -> Vec<Metric> {
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let lines = self.lines().into_iter();
        lines
            .map(|line| Metric {
                value: round(line.network),
                baseline: line.figure.beside_guessing.then(|| round(line.baseline())),
                higher_is_better: line.figure.higher_is_better,
                name: line.name,
            })
            .collect()
    }

    /// The figures side by side, in the order of [`FIGURES`].
    pub(crate) fn lines(&self) -> Vec<Line> {
        let judged = self.judged_genres.len();
        let line = |figure: Figure| Line {
            name: match figure.name {
                name @ ("mean average precision" | "AUROC") => format!("{name}, {judged} genres"),
                name => name.to_owned(),
            },
            network: (figure.of)(&self.network),
            priors: (figure.of)(&self.priors),
            most_frequent: (figure.of)(&self.most_frequent),
            figure,
        };
        FIGURES.into_iter().map(line).collect()
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        let frequent = self.most_frequent_genres.join(", ");
        let _ = writeln!(text, "\n{} posters", self.posters);
        let _ = writeln!(text, "{:36} {:>8} {:>8}   always {frequent}", "", "network", "priors");
        for Line { name, network, priors, most_frequent, .. } in self.lines() {
            let _ = writeln!(text, "{name:36} {network:8.4} {priors:8.4} {most_frequent:8.4}");
        }
        let _ = writeln!(
            text,
            "\nlower is better for binary cross-entropy and calibration error (where guessing each genre's\n\
             frequency is perfect), higher for the rest; mean average precision and AUROC are over the\n\
             genres with {MIN_POSITIVES} or more positives: {}\n",
            self.judged_genres.join(", ")
        );
        let worse: Vec<String> =
            self.lines().into_iter().filter(Line::is_worse).map(|line| line.name).collect();
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
        for genre in &self.genres {
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
}

/// A figure of the network and of the baselines.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) network: f64,
    pub(crate) priors: f64,
    pub(crate) most_frequent: f64,
    pub(crate) figure: Figure,
}

impl Line {
    /// The better of the two baselines.
    fn baseline(&self) -> f64 {
        let best = if self.figure.higher_is_better { f64::max } else { f64::min };
        best(self.priors, self.most_frequent)
    }

    pub(crate) fn is_worse(&self) -> bool {
        let gain = self.network - self.baseline();
        let worse = if self.figure.higher_is_better { gain < 0.0 } else { gain > 0.0 };
        self.figure.beside_guessing && worse
    }
}

fn answer(classifier: &Classifier, posters: &[Poster]) -> Result<Vec<Vec<f32>>> {
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
