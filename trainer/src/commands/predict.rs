//! `trainer predict`: prints the most probable genres of image files, in parallel and as they come. A file that cannot
//! be classified is reported in its place, and the others are still classified.

mod output;
mod soft_labels;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use marquee::{Classifier, Prediction};

use crate::cli::PredictArgs;
use crate::data::image_files::{self, ImageFile};
use crate::device;
use crate::formats::answers::Answers;
use crate::inference::{self, in_order::map_in_order};
use crate::progress::Ticker;
use output::Output;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let (device, _) = device::open(&args.device)?;
    if let Some(path) = &args.soft_labels.soft_labels {
        return soft_labels::write(args, path, &device);
    }
    let classifier = inference::open(&args.bundle, &device)
        .with_context(|| format!("--bundle {}", args.bundle.display()))?;
    // A GPU does one batch at a time.
    let threads = if classifier.uses_burn() { 1 } else { args.threads() };
    let mut answers = args.save_answers.as_deref().map(|path| Collected::new(path, &classifier));
    let mut output = Output::begin(args.format())?;
    let ticker = Ticker::open_ended("classifying posters");
    let (mut done, mut failed) = (0, 0);
    let emit = |(image, genres): (String, Result<Vec<Prediction>>)| {
        done += 1;
        let written = match genres {
            Ok(genres) => {
                if let Some(answers) = &mut answers {
                    answers.add(&image, &genres);
                }
                output.genres(&image, &genres[..genres.len().min(args.top)])
            }
            Err(error) => {
                failed += 1;
                output.error(&image, &error)
            }
        };
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // As with `| head`: the reader has seen enough. The list may still be waiting for its next line.
            std::process::exit(0);
        }
        ticker.tick(done);
        Ok(written?)
    };
    let classified = map_in_order(images(args)?, threads, |file| classify(&classifier, file), emit);
    classified?;
    output.end()?;
    if let Some(answers) = answers {
        answers.write()?;
    }
    if failed > 0 {
        bail!("{failed} of {done} images could not be classified");
    }
    Ok(())
}

/// Lists the images of the command line, then those of `--list`.
fn images(args: &PredictArgs) -> Result<impl Iterator<Item = ImageFile> + Send> {
    let named = args.images.clone().into_iter().map(Ok);
    let listed = args.list.as_deref().map(image_files::listed).transpose()?;
    Ok(image_files::files(named.chain(listed.into_iter().flatten())))
}

/// Returns the image's name and all its genres, the most probable first.
fn classify(classifier: &Classifier, file: ImageFile) -> (String, Result<Vec<Prediction>>) {
    match file {
        Ok(path) => {
            let classify = || {
                let bytes = std::fs::read(&path)?;
                anyhow::Ok(pollster::block_on(classifier.classify(&bytes))?)
            };
            (path.display().to_string(), classify())
        }
        Err((name, error)) => (name, Err(error)),
    }
}

/// The probabilities for `--save-answers`.
struct Collected {
    path: PathBuf,
    answers: Answers,
}

impl Collected {
    fn new(path: &Path, classifier: &Classifier) -> Self {
        let genres = &classifier.manifest().genres;
        let answers = Answers {
            genres: genres.iter().map(|genre| genre.name.clone()).collect(),
            ids: Vec::new(),
            probabilities: Vec::new(),
            thresholds: Some(genres.iter().map(|genre| genre.threshold).collect()),
        };
        Self { path: path.to_owned(), answers }
    }

    /// Adds an image. Its id is its file name without the ending.
    fn add(&mut self, image: &str, genres: &[Prediction]) {
        let id = Path::new(image).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let probability = |name: &String| {
            let prediction = genres.iter().find(|prediction| prediction.genre == *name);
            prediction.map_or(0.0, |prediction| prediction.probability)
        };
        self.answers.probabilities.push(self.answers.genres.iter().map(probability).collect());
        self.answers.ids.push(id);
    }

    fn write(self) -> Result<()> {
        let count = self.answers.ids.len();
        self.answers.write(&self.path).context("--save-answers")?;
        eprintln!("answers for {count} images written to {}", self.path.display());
        Ok(())
    }
}
