//! Training a model on a split of posters.
//!
//! | file | contents |
//! |---|---|
//! | `config` | the configuration of a run |
//! | `run_folder`, `epoch_log`, `step_log`, `curves` | the files of a run |
//! | `fit` | the training itself, with Burn's learner |
//! | `learner`, `loss`, `learning_rate`, `adamw`, `ema` | a step: loss, gradients, update, moving average |
//! | `initial_model`, `loaders`, `features` | what is prepared before the first step |
//! | `model_selection`, `map_metric`, `metric_means`, `plain_renderer` | metrics, checkpoints and display |
//! | `out_of_memory` | advice when a batch does not fit |
//! | `soup`, `search_space` | several runs: the mean of their weights, random search |

mod adamw;
pub(crate) mod config;
pub(crate) mod curves;
mod ema;
pub(crate) mod epoch_log;
mod features;
pub(crate) mod fit;
mod initial_model;
mod learner;
mod learning_rate;
mod loaders;
pub(crate) mod loss;
mod map_metric;
mod metric_means;
pub(crate) mod model_selection;
mod out_of_memory;
mod plain_renderer;
pub(crate) mod run_folder;
pub(crate) mod search_space;
pub(crate) mod soup;
mod step_log;
