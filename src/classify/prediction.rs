//! A model's probabilities as genres with names, most probable first.

use serde::Serialize;

use crate::bundle::Genre;

/// A genre and its probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The genre's name.
    pub genre: String,
    /// Its probability, 0..=1. A poster may have several genres, so these do not add up to 1.
    pub probability: f32,
    /// Whether the probability reaches the genre's threshold.
    pub likely: bool,
}

/// Pairs each genre with its probability and sorts them, the most probable first.
pub(super) fn rank(genres: &[Genre], probabilities: &[f32]) -> Vec<Prediction> {
    let predictions = genres.iter().zip(probabilities).map(|(genre, &probability)| Prediction {
        genre: genre.name.clone(),
        probability,
        likely: probability >= genre.threshold,
    });
    let mut ranked: Vec<_> = predictions.collect();
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked
}
