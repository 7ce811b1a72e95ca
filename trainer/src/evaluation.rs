//! Measuring models and answers: predictions with labels, calibration, thresholds, confidence intervals, comparisons,
//! the HTML report, and the study of fine-tuning.

pub(crate) mod bootstrap;
pub(crate) mod calibration;
pub(crate) mod classified_posters;
pub(crate) mod fine_tuning;
pub(crate) mod posters_to_evaluate;
pub(crate) mod predictor;
pub(crate) mod report;
pub(crate) mod result;
pub(crate) mod study;
pub(crate) mod text_table;
pub(crate) mod thresholds;
