//! What to say when a device runs out of memory: the batch that would fit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Device, Tensor};
use burn::train::TrainStep;

use crate::data::loader::Batch;
use crate::training::config::Config;
use crate::training::learner::Learning;

/// Whether Burn or a driver says, in one of their ways, that there is no memory left.
pub(crate) fn ran_out(error: &str) -> bool {
    let error = error.to_lowercase();
    ["out of memory", "out-of-memory", "outofmemory", "out of device memory", "buffer too big"]
        .iter()
        .any(|said| error.contains(said))
}

/// What to do about it, once the device has tried smaller batches.
pub(crate) fn advice(
    learning: &Learning,
    config: &Config,
    genres: usize,
    device: &Device,
) -> String {
    let fits = |posters: usize| {
        let step = AssertUnwindSafe(|| step(learning, config, posters, genres, device));
        catch_unwind(step).unwrap_or(false)
    };
    match largest_that_fits(config.batch_size, fits) {
        Some(batch) => format!(
            "a batch of {} posters does not fit into the device's memory, one of {batch} does: \
             start a new run with --set batch_size={batch}",
            config.batch_size
        ),
        None => "not even one poster at a time fits into the device's memory: \
                 choose a smaller network, smaller posters, or --device cpu"
            .into(),
    }
}

/// The batch size, halved until it fits.
fn largest_that_fits(batch: usize, mut fits: impl FnMut(usize) -> bool) -> Option<usize> {
    std::iter::successors(Some(batch / 2), |&batch| Some(batch / 2))
        .take_while(|&batch| batch > 0)
        .find(|&batch| fits(batch))
}

/// One step of training on empty posters; whether the device could do it.
fn step(
    learning: &Learning,
    config: &Config,
    posters: usize,
    genres: usize,
    device: &Device,
) -> bool {
    let (width, height) = (config.input.width as usize, config.input.height as usize);
    let images = Tensor::zeros([posters, 3, height, width], device);
    let targets = Tensor::zeros([posters, genres], device);
    let step = TrainStep::step(learning, Batch { images, part: 0, targets });
    // What was computed counts once the device has done it.
    step.item.loss().try_into_vec_as::<f32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_half_that_fits() {
        assert_eq!(largest_that_fits(32, |batch| batch <= 10), Some(8));
        assert_eq!(largest_that_fits(3, |batch| batch <= 10), Some(1));
        assert_eq!(largest_that_fits(32, |_| false), None);
        assert_eq!(largest_that_fits(1, |_| true), None);
    }

    #[test]
    fn what_burn_says_is_understood() {
        assert!(ran_out("out of device memory allocating 4096 bytes"));
        assert!(ran_out("An out-of-memory error happened during launch"));
        assert!(!ran_out("a kernel cannot be compiled"));
    }
}
