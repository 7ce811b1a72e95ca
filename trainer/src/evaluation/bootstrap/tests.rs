//! The bootstrap's metrics equal the plain ones, and its intervals cover the truth as often as they say.

use marquee::metrics::Label;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::*;

/// Frequencies of the genres, and how many standard deviations their positives' scores lie above the others'. Each has
/// enough positives in every sample, so that all samples have the same set of genres, and one truth.
const GENRES: [(f64, f64); 5] = [(0.5, 1.0), (0.3, 1.2), (0.2, 0.8), (0.12, 1.5), (0.08, 1.0)];

/// Made-up posters with predictions.
struct Sample {
    probabilities: Vec<Vec<f32>>,
    decisions: Vec<Vec<bool>>,
    labels: Vec<Vec<Label>>,
}

impl Sample {
    /// Draws posters. A model's `skill` scales the distance between positives and negatives. The posters depend on
    /// `seed` only, so that two models may be compared on them. The probabilities are calibrated for a skill of 1.
    fn draw(posters: usize, skill: f64, seed: u64) -> Self {
        let mut sample =
            Self { probabilities: Vec::new(), decisions: Vec::new(), labels: Vec::new() };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..posters {
            let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
            for (frequency, distance) in GENRES {
                let label = rng.random_range(0.0..1.0) < frequency;
                let noise: f64 = StandardNormal.sample(&mut rng);
                let score = noise + if label { distance * skill } else { 0.0 };
                // The posterior of a positive, by Bayes' rule.
                let logit = distance * score - distance * distance / 2.0
                    + (frequency / (1.0 - frequency)).ln();
                probabilities.push((1.0 / (1.0 + (-logit).exp())) as f32);
                labels.push(Some(label));
            }
            sample.decisions.push(probabilities.iter().map(|&p| p >= 0.3).collect());
            sample.probabilities.push(probabilities);
            sample.labels.push(labels);
        }
        sample
    }

    fn predictions(&self) -> LabelledPredictions<'_> {
        let Self { probabilities, decisions, labels } = self;
        LabelledPredictions { probabilities, decisions, labels }
    }

    fn values(&self) -> Vec<f64> {
        let metrics = self.predictions().metrics();
        METRICS.iter().map(|metric| (metric.value)(&metrics)).collect()
    }
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for ((a, b), metric) in a.iter().zip(b).zip(METRICS) {
        assert!((a - b).abs() < 1e-6, "{}: {a} is not {b}", metric.name);
    }
}

#[test]
fn a_resamples_metrics_are_those_of_its_posters() {
    let mut sample = Sample::draw(400, 1.0, 1);
    // Some labels are unknown, some probabilities equal.
    for (poster, (labels, row)) in
        sample.labels.iter_mut().zip(&mut sample.probabilities).enumerate()
    {
        if poster % 7 == 0 {
            labels[poster % GENRES.len()] = None;
        }
        row.iter_mut().for_each(|p| *p = (*p * 50.0).round() / 50.0);
    }
    let prepared = Prepared::new(sample.predictions());
    assert_close(&prepared.values(&[1; 400]).metrics, &sample.values());

    let counts = draw(400, 3, 0);
    assert_eq!(counts.iter().sum::<u32>(), 400);
    let chosen: Vec<usize> =
        (0..400).flat_map(|poster| vec![poster; counts[poster] as usize]).collect();
    let copies = Sample {
        probabilities: chosen.iter().map(|&poster| sample.probabilities[poster].clone()).collect(),
        decisions: chosen.iter().map(|&poster| sample.decisions[poster].clone()).collect(),
        labels: chosen.iter().map(|&poster| sample.labels[poster].clone()).collect(),
    };
    assert_close(&prepared.values(&counts).metrics, &copies.values());
}

#[test]
fn a_genre_that_a_resample_misses_keeps_its_value_and_stays_in_the_means() {
    let mut sample = Sample::draw(60, 1.0, 2);
    for (poster, labels) in sample.labels.iter_mut().enumerate() {
        labels[4] = Some(poster < 5);
    }
    let prepared = Prepared::new(sample.predictions());
    let full = prepared.values(&[1; 60]);
    // Every poster but those with the rare genre, which counts in the full sample with its five positives.
    let counts: Vec<u32> = (0..60).map(|poster| u32::from(poster >= 5)).collect();
    let missed = prepared.values(&counts);
    assert_eq!(missed.average_precisions[4], full.average_precisions[4]);
    let ranked: Vec<f64> = (0..5)
        .filter(|&genre| sample.labels.iter().filter(|row| row[genre] == Some(true)).count() >= 5)
        .map(|genre| missed.average_precisions[genre])
        .collect();
    assert!(ranked.len() > 1);
    let mean = ranked.iter().sum::<f64>() / ranked.len() as f64;
    let index = METRICS.iter().position(|metric| metric.name == "mean average precision").unwrap();
    assert!((missed.metrics[index] - mean).abs() < 1e-9);
}

/// Share of repetitions in which an interval covers the truth, for each metric.
fn coverage(
    repetitions: u64,
    truths: &[f64],
    intervals: impl Fn(u64) -> Vec<Interval> + Sync,
) -> Vec<f64> {
    let all: Vec<Vec<Interval>> = (0..repetitions).into_par_iter().map(&intervals).collect();
    let share = |(metric, &truth): (usize, &f64)| {
        let covered = all.iter().filter(|intervals| intervals[metric].contains(truth)).count();
        covered as f64 / repetitions as f64
    };
    truths.iter().enumerate().map(share).collect()
}

/// Returns the mean of each metric over many samples.
fn truths(values: impl Fn(u64) -> Vec<f64> + Sync) -> Vec<f64> {
    const SAMPLES: u64 = 600;
    let all: Vec<Vec<f64>> = (0..SAMPLES).into_par_iter().map(|seed| values(seed + 1000)).collect();
    let mean = |metric| all.iter().map(|row| row[metric]).sum::<f64>() / SAMPLES as f64;
    (0..METRICS.len()).map(mean).collect()
}

const POSTERS: usize = 250;
const REPETITIONS: u64 = 200;
const RESAMPLES: usize = 120;

/// Share of intervals that cover the truth. 200 repetitions, 120 resamples and means over few posters leave some chance.
const COVERAGE: std::ops::RangeInclusive<f64> = 0.86..=0.995;

#[test]
fn intervals_cover_the_truth_about_95_times_in_100_and_hold_the_metric() {
    let truths = truths(|seed| Sample::draw(POSTERS, 1.0, seed).values());
    let coverage = coverage(REPETITIONS, &truths, |seed| {
        let sample = Sample::draw(POSTERS, 1.0, 100_000 + seed);
        let intervals = Bootstrap::with_progress(sample.predictions(), RESAMPLES, || ()).metrics();
        for (interval, value) in intervals.iter().zip(sample.values()) {
            assert!(interval.contains(value), "{value} is outside {interval:?}");
        }
        intervals
    });
    for (metric, coverage) in METRICS.iter().zip(coverage) {
        println!("{:36} {coverage:.3}", metric.name);
        assert!(COVERAGE.contains(&coverage), "{}: {coverage}", metric.name);
    }
}

#[test]
fn intervals_of_differences_cover_the_truth_and_find_a_difference_that_single_ones_miss() {
    let values = |seed: u64| {
        let [a, b] = [1.0, 0.6].map(|skill| Sample::draw(POSTERS, skill, seed).values());
        a.iter().zip(b).map(|(a, b)| a - b).collect()
    };
    let truths = truths(values);
    let bootstrap = |seed: u64, skills: [f64; 2]| {
        skills.map(|skill| {
            let sample = Sample::draw(POSTERS, skill, 100_000 + seed);
            Bootstrap::with_progress(sample.predictions(), RESAMPLES, || ())
        })
    };
    let coverage = coverage(REPETITIONS, &truths, |seed| {
        let [a, b] = bootstrap(seed, [1.0, 0.6]);
        let differences = PairedDifferences::new(&a, &b).metrics;
        differences.into_iter().map(|difference| difference.interval).collect()
    });
    for (metric, coverage) in METRICS.iter().zip(coverage) {
        println!("{:36} {coverage:.3}", metric.name);
        assert!(COVERAGE.contains(&coverage), "{}: {coverage}", metric.name);
    }

    let [a, b] = bootstrap(0, [1.0, 0.75]);
    let cross_entropy = PairedDifferences::new(&a, &b).metrics[0];
    assert!(cross_entropy.is_significant(), "{cross_entropy:?}");
    let [a, b] = [a, b].map(|model| model.metrics()[0]);
    assert!(a.high > b.low, "the single intervals overlap: {a:?} and {b:?}");
}
