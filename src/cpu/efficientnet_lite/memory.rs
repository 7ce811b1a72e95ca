//! The memory in which a poster is classified. Each poster leaves it to the next one: new memory would be cleared by the
//! kernel, page by page.

use std::sync::{Mutex, PoisonError};

use crate::cpu::simd::{Groups, Unit};

/// Buffers of one poster.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The poster in a frame of zeros.
    pub(super) frame: Vec<i16>,
    /// The hidden values of a block.
    pub(super) hidden: Hidden,
    /// The output of a block, and the input of the next.
    pub(super) stream: Vec<f32>,
    /// The output of the next block.
    pub(super) next: Vec<f32>,
}

/// Buffers within a block.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Input of the first convolution.
    pub(super) input: Vec<Unit>,
    /// Input of the depthwise convolution.
    pub(super) map: Groups,
    /// Input of the last convolution.
    pub(super) convolved: Vec<Unit>,
}

/// Memory that is not in use: as much as threads have classified at the same time.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Vec<Memory>>);

impl Pool {
    /// Runs `work` with memory, which may hold values of another poster.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Memory) -> R) -> R {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = free().pop().unwrap_or_default();
        let result = work(&mut memory);
        free().push(memory);
        result
    }
}
