//! The figures of a multi-label classifier. Definitions follow scikit-learn's, so that they can be compared.
//! The trainer judges with these, and so does the page where a visitor brings labels.

use serde::Serialize;

/// Genres with fewer positives than this among the judged posters do not enter the mean average precision:
/// their own figure would be mostly chance.
pub const MIN_POSITIVES: usize = 5;

/// Keeps logarithms finite, as Keras does.
const EPSILON: f64 = 1e-7;

/// Each poster's score for a genre, and whether it has it.
pub type Ranking = Vec<(f32, bool)>;

/// Mean of the average precisions of the genres with [`MIN_POSITIVES`] positives.
pub fn mean_average_precision(genres: Vec<Ranking>) -> f64 {
    mean_over_judged(genres, average_precision)
}

fn mean_over_judged(genres: Vec<Ranking>, figure: fn(&[(f32, bool)]) -> f64) -> f64 {
    let enough =
        |genre: &Ranking| genre.iter().filter(|(_, label)| *label).count() >= MIN_POSITIVES;
    let figures: Vec<f64> = genres
        .into_iter()
        .filter(enough)
        .map(|mut genre| {
            genre.sort_by(|a, b| b.0.total_cmp(&a.0));
            figure(&genre)
        })
        .collect();
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// What was answered about some posters, and what is true. Outer index the poster, inner the genre.
#[derive(Clone, Copy)]
pub struct Answers<'a> {
    /// 0..=1.
    pub probabilities: &'a [Vec<f32>],
    /// Whether each genre is taken as present.
    pub decisions: &'a [Vec<bool>],
    /// Whether each genre is present.
    pub labels: &'a [Vec<bool>],
}

/// Every figure but the per-genre ones. All lie in 0..=1 but the loss; all but the loss and the calibration
/// error are better when larger.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Mean over posters and genres.
    pub binary_cross_entropy: f64,
    /// Share of posters whose most probable genre is their first true one: the notebook's accuracy.
    pub argmax_accuracy: f64,
    /// Share of posters whose genres are all decided right.
    pub exact_match: f64,
    /// Over all posters and genres pooled.
    pub micro_f1: f64,
    /// Mean over the genres.
    pub macro_f1: f64,
    /// Weighted by each genre's positives.
    pub weighted_f1: f64,
    /// Over the genres with [`MIN_POSITIVES`] positives.
    pub mean_average_precision: f64,
    /// Mean over the same genres.
    pub auroc: f64,
    /// Share of posters whose most probable genre is true.
    pub top_1_hit: f64,
    /// Share of posters with a true genre among the three most probable.
    pub top_3_hit: f64,
    /// Of all genres pooled; see [`Answers::reliability`].
    pub calibration_error: f64,
}

/// A figure, and how it is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// As it is shown.
    pub name: &'static str,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Whether doing better than guessing means anything.
    pub beside_guessing: bool,
    /// Where it is among the others.
    pub of: fn(&Figures) -> f64,
}

impl Figure {
    const fn higher(name: &'static str, of: fn(&Figures) -> f64) -> Self {
        Self { name, higher_is_better: true, beside_guessing: true, of }
    }

    const fn lower(name: &'static str, of: fn(&Figures) -> f64) -> Self {
        Self { higher_is_better: false, ..Self::higher(name, of) }
    }
}

/// All figures, in the order in which they are shown.
pub const FIGURES: [Figure; 11] = [
    Figure::lower("binary cross-entropy", |figures| figures.binary_cross_entropy),
    Figure::higher("argmax accuracy", |figures| figures.argmax_accuracy),
    Figure::higher("exact match", |figures| figures.exact_match),
    Figure::higher("micro F1", |figures| figures.micro_f1),
    Figure::higher("macro F1", |figures| figures.macro_f1),
    Figure::higher("weighted F1", |figures| figures.weighted_f1),
    Figure::higher("mean average precision", |figures| figures.mean_average_precision),
    Figure::higher("AUROC", |figures| figures.auroc),
    Figure::higher("top-1 hit", |figures| figures.top_1_hit),
    Figure::higher("top-3 hit", |figures| figures.top_3_hit),
    // Who answers each genre's frequency is calibrated, and says nothing.
    Figure {
        beside_guessing: false,
        ..Figure::lower("expected calibration error", |figures| figures.calibration_error)
    },
];

/// Answers of about the same probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// How many.
    pub answers: usize,
    /// Their mean probability.
    pub probability: f64,
    /// The share of them that is true.
    pub frequency: f64,
}

/// Bins of the reliability diagram, evenly over 0..=1.
const BINS: usize = 15;

/// The figures of one genre.
#[derive(Debug, Clone, Serialize)]
pub struct GenreFigures {
    /// Its name.
    pub genre: String,
    /// Posters that have it.
    pub positives: usize,
    /// Posters that are said to have it.
    pub predicted: usize,
    /// Area under the precision-recall curve; 0 without positives.
    pub average_precision: f64,
    /// Area under the receiver's operating curve; 0.5 without positives.
    pub auroc: f64,
    /// Share of the predicted that have it.
    pub precision: f64,
    /// Share of the positives that are predicted.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Probability from which on it is predicted.
    pub threshold: f32,
}

impl Answers<'_> {
    /// The figures over all genres.
    pub fn figures(&self) -> Figures {
        let genres = self.labels.first().map_or(0, Vec::len);
        let counts: Vec<Counts> = (0..genres).map(|genre| self.counts(genre)).collect();
        let total = counts.iter().fold(Counts::default(), |sum, counts| sum.plus(counts));
        let positives = total.positives() as f64;
        let weighted = counts.iter().map(|c| c.f1() * c.positives() as f64).sum::<f64>();
        let mean = |figure| {
            let rankings = (0..genres).map(|genre| self.ranking(genre)).collect();
            mean_over_judged(rankings, figure)
        };
        Figures {
            binary_cross_entropy: self.binary_cross_entropy(),
            argmax_accuracy: self.share(|poster| {
                let first = self.labels[poster].iter().position(|&label| label).unwrap_or(0);
                self.top(poster, 1).contains(&first)
            }),
            exact_match: self.share(|poster| self.decisions[poster] == self.labels[poster]),
            micro_f1: total.f1(),
            macro_f1: counts.iter().map(Counts::f1).sum::<f64>() / genres as f64,
            weighted_f1: if positives > 0.0 { weighted / positives } else { 0.0 },
            mean_average_precision: mean(average_precision),
            auroc: mean(auroc),
            top_1_hit: self.hit(1),
            top_3_hit: self.hit(3),
            calibration_error: self.calibration_error(),
        }
    }

    /// The figures of each genre.
    pub fn by_genre(&self, names: &[String], thresholds: &[f32]) -> Vec<GenreFigures> {
        let named = names.iter().zip(thresholds).enumerate();
        named
            .map(|(index, (name, &threshold))| {
                let counts = self.counts(index);
                let ranking = self.ranking(index);
                GenreFigures {
                    genre: name.clone(),
                    positives: counts.positives(),
                    predicted: counts.hits + counts.false_alarms,
                    average_precision: average_precision(&ranking),
                    auroc: auroc(&ranking),
                    precision: counts.precision(),
                    recall: counts.recall(),
                    f1: counts.f1(),
                    threshold,
                }
            })
            .collect()
    }

    /// Names of the genres that enter the mean average precision.
    pub fn judged_genres(&self, names: &[String]) -> Vec<String> {
        let enough = |index: &usize| self.counts(*index).positives() >= MIN_POSITIVES;
        (0..names.len()).filter(enough).map(|index| names[index].clone()).collect()
    }

    fn binary_cross_entropy(&self) -> f64 {
        let pairs = self.probabilities.iter().flatten().zip(self.labels.iter().flatten());
        let (mut sum, mut count) = (0.0, 0);
        for (&probability, &label) in pairs {
            let p = f64::from(probability).clamp(EPSILON, 1.0 - EPSILON);
            sum -= if label { p.ln() } else { (1.0 - p).ln() };
            count += 1;
        }
        sum / f64::from(count)
    }

    /// How often answers come true, by their probability, over all genres pooled. Empty bins are left out.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        let mut bins = vec![ReliabilityBin::default(); BINS];
        let pairs = self.probabilities.iter().flatten().zip(self.labels.iter().flatten());
        for (&probability, &label) in pairs {
            let bin = &mut bins[((probability * BINS as f32) as usize).min(BINS - 1)];
            bin.answers += 1;
            bin.probability += f64::from(probability);
            bin.frequency += f64::from(u8::from(label));
        }
        bins.retain(|bin| bin.answers > 0);
        for bin in &mut bins {
            bin.probability /= bin.answers as f64;
            bin.frequency /= bin.answers as f64;
        }
        bins
    }

    /// Mean distance between probability and frequency, over the bins, weighted by their answers (Guo et al.
    /// 2017, "On Calibration of Modern Neural Networks", equation 3).
    fn calibration_error(&self) -> f64 {
        let bins = self.reliability();
        let all: usize = bins.iter().map(|bin| bin.answers).sum();
        let off =
            |bin: &ReliabilityBin| (bin.probability - bin.frequency).abs() * bin.answers as f64;
        bins.iter().map(off).sum::<f64>() / all as f64
    }

    fn share(&self, holds: impl Fn(usize) -> bool) -> f64 {
        let posters = self.labels.len();
        (0..posters).filter(|&poster| holds(poster)).count() as f64 / posters as f64
    }

    fn hit(&self, k: usize) -> f64 {
        self.share(|poster| self.top(poster, k).iter().any(|&genre| self.labels[poster][genre]))
    }

    /// The `k` most probable genres of a poster; the earlier one where two are alike.
    fn top(&self, poster: usize, k: usize) -> Vec<usize> {
        let probabilities = &self.probabilities[poster];
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        order.truncate(k);
        order
    }

    fn counts(&self, genre: usize) -> Counts {
        let mut counts = Counts::default();
        for (decisions, labels) in self.decisions.iter().zip(self.labels) {
            match (decisions[genre], labels[genre]) {
                (true, true) => counts.hits += 1,
                (true, false) => counts.false_alarms += 1,
                (false, true) => counts.misses += 1,
                (false, false) => {}
            }
        }
        counts
    }

    /// Each poster's probability of a genre and whether it is true, the most probable first.
    pub fn ranking(&self, genre: usize) -> Ranking {
        let pairs = self.probabilities.iter().zip(self.labels);
        let mut ranking: Vec<_> = pairs.map(|(p, labels)| (p[genre], labels[genre])).collect();
        ranking.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranking
    }
}

#[derive(Default)]
struct Counts {
    hits: usize,
    false_alarms: usize,
    misses: usize,
}

impl Counts {
    fn plus(&self, other: &Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            false_alarms: self.false_alarms + other.false_alarms,
            misses: self.misses + other.misses,
        }
    }

    fn positives(&self) -> usize {
        self.hits + self.misses
    }

    fn precision(&self) -> f64 {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    fn recall(&self) -> f64 {
        ratio(self.hits, self.positives())
    }

    fn f1(&self) -> f64 {
        ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }
}

/// 0 where there is nothing to divide by, as scikit-learn's `zero_division=0`.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The probability that a logit stands for, 0..=1.
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Area under the precision-recall curve as a sum of steps (scikit-learn's `average_precision_score`).
/// Posters with the same probability come in together; `ranking` has the most probable first. 0 without positives.
pub fn average_precision(ranking: &[(f32, bool)]) -> f64 {
    let positives = ranking.iter().filter(|(_, label)| *label).count();
    let (mut seen, mut hits, mut sum) = (0, 0, 0.0);
    for tied in ranking.chunk_by(|a, b| a.0 == b.0) {
        let new = tied.iter().filter(|(_, label)| *label).count();
        seen += tied.len();
        hits += new;
        sum += new as f64 * ratio(hits, seen);
    }
    if positives == 0 { 0.0 } else { sum / positives as f64 }
}

/// The chance that a positive stands above a negative, ties counting half. 0.5 where either is missing.
fn auroc(ranking: &[(f32, bool)]) -> f64 {
    let positives = ranking.iter().filter(|(_, label)| *label).count();
    let negatives = ranking.len() - positives;
    if positives == 0 || negatives == 0 {
        return 0.5;
    }
    let (mut above, mut area) = (0.0, 0.0);
    for tied in ranking.chunk_by(|a, b| a.0 == b.0) {
        let new = tied.iter().filter(|(_, label)| *label).count() as f64;
        let wrong = tied.len() as f64 - new;
        area += wrong * (above + new / 2.0);
        above += new;
    }
    area / (positives as f64 * negatives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected values are scikit-learn's (1.9) for the same numbers:
    //   y = [1,0,1,1,0,0]; s = [.9,.8,.7,.4,.4,.1]
    //   average_precision_score(y, s) = 0.7555555..., roc_auc_score(y, s) = 0.7222222...
    const RANKING: [(f32, bool); 6] =
        [(0.9, true), (0.8, false), (0.7, true), (0.4, true), (0.4, false), (0.1, false)];

    #[test]
    fn average_precision_is_scikit_learns() {
        assert!((average_precision(&RANKING) - 0.755_555_6).abs() < 1e-6);
    }

    #[test]
    fn auroc_is_scikit_learns() {
        assert!((auroc(&RANKING) - 0.722_222_2).abs() < 1e-6);
    }

    #[test]
    fn guessing_the_same_for_all_scores_the_prevalence() {
        let ranking = [(0.3, true), (0.3, false), (0.3, false), (0.3, false)];
        assert_eq!(average_precision(&ranking), 0.25);
        assert_eq!(auroc(&ranking), 0.5);
    }

    #[test]
    fn figures_of_two_posters_by_hand() {
        let answers = Answers {
            probabilities: &[vec![0.8, 0.3, 0.1], vec![0.4, 0.7, 0.2]],
            decisions: &[vec![true, false, false], vec![false, true, false]],
            labels: &[vec![true, false, true], vec![true, true, false]],
        };
        let figures = answers.figures();
        let loss =
            -(0.8f64.ln() + 0.7f64.ln() + 0.1f64.ln() + 0.4f64.ln() + 0.7f64.ln() + 0.8f64.ln());
        assert!((figures.binary_cross_entropy - loss / 6.0).abs() < 1e-6);
        assert_eq!(figures.argmax_accuracy, 0.5); // poster 2's first true genre is 0, its argmax 1
        assert_eq!(figures.exact_match, 0.0);
        assert!((figures.micro_f1 - 4.0 / 6.0).abs() < 1e-9); // 2 hits, 0 false alarms, 2 misses
        assert!((figures.macro_f1 - (2.0 / 3.0 + 1.0 + 0.0) / 3.0).abs() < 1e-9);
        assert!((figures.weighted_f1 - (2.0 * 2.0 / 3.0 + 1.0 + 0.0) / 4.0).abs() < 1e-9);
        assert_eq!((figures.top_1_hit, figures.top_3_hit), (1.0, 1.0));
        // Six answers in six bins: each is off by its distance to 0 or 1.
        let off = 0.2 + 0.3 + 0.9 + 0.6 + 0.3 + 0.2;
        assert!((figures.calibration_error - off / 6.0).abs() < 1e-6);
    }
}
