//! Many posters at once, on several cores.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::model::NativeModel;
use crate::poster::{Poster, PosterError};

/// Posters per thread between two looks at Python's signals, such as Ctrl-C: about half a second.
const ROUND: usize = 32;

/// The probabilities of a batch, `[posters, genres]` row-major, and the posters that have none, by index. Their
/// rows are NaN.
pub(crate) struct Batch {
    pub(crate) probabilities: Vec<f32>,
    pub(crate) errors: Vec<(usize, PosterError)>,
}

/// Classifies posters on `threads` cores. Other Python threads run meanwhile.
///
/// # Errors
/// What a signal handler raises, such as `KeyboardInterrupt`; `ValueError` if there cannot be so many threads.
pub(crate) fn classify(
    py: Python<'_>,
    model: &NativeModel,
    posters: &[Poster<'_>],
    threads: usize,
) -> PyResult<Batch> {
    let genres = model.manifest.genres.len();
    let mut probabilities = vec![f32::NAN; posters.len() * genres];
    let mut errors = Vec::new();
    // The threads end with the batch: those of a global pool would be missing in a forked process, which would then
    // wait for them forever.
    let pool = match threads {
        1 => None,
        threads => Some(build_pool(threads)?),
    };
    let round = ROUND * threads;
    let rounds = posters.chunks(round).zip(probabilities.chunks_mut(round * genres));
    for (number, (posters, rows)) in rounds.enumerate() {
        let classify = |(row, poster): (&mut [f32], &Poster<'_>)| {
            model
                .probabilities(poster)
                .map(|probabilities| row.copy_from_slice(&probabilities))
                .err()
        };
        let results: Vec<Option<PosterError>> = py.detach(|| match &pool {
            None => rows.chunks_mut(genres).zip(posters).map(classify).collect(),
            Some(pool) => pool.install(|| {
                // One poster at a time: some take ten times as long as others.
                let rows = rows.par_chunks_mut(genres).zip(posters).with_max_len(1);
                rows.map(classify).collect()
            }),
        });
        let failed = results.into_iter().enumerate();
        errors.extend(failed.filter_map(|(index, error)| Some((number * round + index, error?))));
        py.check_signals()?;
    }
    Ok(Batch { probabilities, errors })
}

fn build_pool(threads: usize) -> PyResult<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| PyValueError::new_err(format!("threads={threads}: {error}")))
}
