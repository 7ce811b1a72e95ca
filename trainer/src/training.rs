//! Training: the configuration, the loss, the learning-rate schedule, distillation, and the run folder.

pub(crate) mod config;
pub(crate) mod curves;
pub(crate) mod distillation;
pub(crate) mod ema;
pub(crate) mod epoch_log;
pub(crate) mod features;
pub(crate) mod fit;
pub(crate) mod learner;
pub(crate) mod loss;
pub(crate) mod map_metric;
pub(crate) mod metric_means;
pub(crate) mod out_of_memory;
pub(crate) mod run_folder;
pub(crate) mod soup;
