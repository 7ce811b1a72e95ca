//! Measuring models: calibration, the HTML report and the study of fine-tuning.

pub(crate) mod calibration;
pub(crate) mod report;
pub(crate) mod study;
