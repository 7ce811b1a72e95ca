//! Recognises out-of-memory errors and finds a batch size that fits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor};
use burn::train::TrainStep;

use crate::data::loader::{Batch, TARGET_WEIGHTS};
use crate::training::config::Config;
use crate::training::learner::TrainingModel;

/// Returns whether an error message of Burn or of a driver means that the device ran out of memory.
pub(crate) fn is_out_of_memory(error: &str) -> bool {
    let error = error.to_lowercase();
    ["out of memory", "out-of-memory", "outofmemory", "out of device memory", "buffer too big"]
        .iter()
        .any(|phrase| error.contains(phrase))
}

/// Tries smaller batches on the device and returns what to tell the user.
pub(crate) fn advice(
    model: &TrainingModel,
    config: &Config,
    genres: usize,
    device: &Device,
) -> String {
    let fits = |posters: usize| {
        let step = AssertUnwindSafe(|| try_step(model, config, posters, genres, device));
        catch_unwind(step).unwrap_or(false)
    };
    match largest_that_fits(config.batch_size, fits) {
        Some(batch) => format!(
            "a batch of {} posters does not fit into the device's memory, one of {batch} does: \
             start a new run with --set batch_size={batch}",
            config.batch_size
        ),
        None => "not even one poster at a time fits into the device's memory: \
                 choose a smaller model, smaller posters, or --device cpu"
            .into(),
    }
}

/// Halves the batch size until it fits.
fn largest_that_fits(batch: usize, mut fits: impl FnMut(usize) -> bool) -> Option<usize> {
    std::iter::successors(Some(batch / 2), |&batch| Some(batch / 2))
        .take_while(|&batch| batch > 0)
        .find(|&batch| fits(batch))
}

/// Runs one training step on blank posters and returns whether it succeeded.
fn try_step(
    model: &TrainingModel,
    config: &Config,
    posters: usize,
    genres: usize,
    device: &Device,
) -> bool {
    let (width, height) = (config.input.width as usize, config.input.height as usize);
    let inputs = Tensor::zeros([posters, 3, height, width], device);
    let targets = Tensor::zeros([posters, TARGET_WEIGHTS, genres], device);
    let step = TrainStep::step(model, Batch { inputs, part: 0, targets });
    // Reading the loss waits for the device, which computes asynchronously.
    step.item.into_loss().try_into_vec_as::<f32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_largest_halved_batch_that_fits() {
        assert_eq!(largest_that_fits(32, |batch| batch <= 10), Some(8));
        assert_eq!(largest_that_fits(3, |batch| batch <= 10), Some(1));
        assert_eq!(largest_that_fits(32, |_| false), None);
        assert_eq!(largest_that_fits(1, |_| true), None);
    }

    #[test]
    fn recognises_out_of_memory_messages() {
        assert!(is_out_of_memory("out of device memory allocating 4096 bytes"));
        assert!(is_out_of_memory("An out-of-memory error happened during launch"));
        assert!(!is_out_of_memory("a kernel cannot be compiled"));
    }
}
