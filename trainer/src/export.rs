//! Bundles from runs and from other bundles: assembled, calibrated on the validation split, evaluated on the test
//! split, and stored in the chosen precision.

pub(crate) mod calibrate;
mod compact;
pub(crate) mod from_bundle;
pub(crate) mod from_runs;
pub(crate) mod precision;

use marquee::Bundle;

use crate::data::posters::Poster;

/// A calibrated bundle in full precision, before it is written.
pub(crate) struct Draft {
    pub(crate) bundle: Bundle,
    /// Some training posters, on which the rounding of compact weights is based; may be empty where none are made.
    pub(crate) samples: Vec<Poster>,
    /// The posters that calibration and thresholds were fitted on.
    pub(crate) validation: Vec<Poster>,
    /// The posters for the reported metrics: the test split, or the validation split if there is no test split.
    pub(crate) evaluation: Vec<Poster>,
    /// The posters of the additional test split; empty if there is none.
    pub(crate) additional_evaluation: Vec<Poster>,
}
