//! Experiments that measure what fine-tuning gains and loses, on posters that the model was not trained on. The
//! defaults of fine-tuning come from their results.
//!
//! - New genre: removes a genre from the head and learns it again from a few posters. Compares it with the original
//!   head, which learned it from thousands, and measures what the other genres lose.
//! - Greyscale: adapts the model to greyscale posters, and measures what colour posters lose.

pub(crate) mod cached_posters;
pub(crate) mod experiments;
pub(crate) mod table;
