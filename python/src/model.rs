//! A loaded model.

use std::path::PathBuf;

use marquee::Pixels;
use marquee::architecture::GridAxis;
use marquee::contributions::Contributions;
use marquee::cpu::CpuModel;
use marquee::metrics::{Label, sigmoid};
use marquee::{BundleFiles, Error, Manifest};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBaseException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::batch;
use crate::error::{exception, poster_exception};
use crate::evaluation;
use crate::explanation::{self, Heatmaps};
use crate::poster::{Poster, PosterError};

/// The model that ships inside the wheel.
const MANIFEST: &str = include_str!(env!("MARQUEE_MANIFEST"));
const WEIGHTS: &[u8] = include_bytes!(env!("MARQUEE_WEIGHTS"));

/// A loaded model. `marquee.Model` wraps it.
#[pyclass(frozen, module = "marquee._marquee")]
pub(crate) struct NativeModel {
    pub(crate) manifest: Manifest,
    model: CpuModel,
}

/// A poster's index in its batch, and the exception for it.
type IndexedException = (usize, Py<PyBaseException>);

/// Columns and rows as `(count, first, step)`, and each genre's bias and cells.
type PythonHeatmaps = ([(usize, f64, f64); 2], Vec<(f32, Vec<f32>)>);

#[pymethods]
impl NativeModel {
    /// Loads a bundle's folder or `.safetensors` file, or the model inside the wheel.
    #[new]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        py.detach(|| {
            Self::load(match path {
                None => BundleFiles::from_parts(MANIFEST, WEIGHTS.to_vec())?,
                Some(path) => BundleFiles::read(path)?,
            })
        })
        .map_err(|error| exception(py, &error))
    }

    /// Returns the manifest as JSON.
    fn manifest(&self) -> PyResult<String> {
        let json = serde_json::to_string(&self.manifest);
        json.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Returns the probability of each genre for one poster: a path, the bytes of an image file, or `Rgba`.
    fn classify(&self, py: Python<'_>, poster: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
        let poster = Poster::from_python(poster)?;
        let probabilities = py.detach(|| self.probabilities(&poster));
        probabilities.map_err(|error| poster_exception(py, &error))
    }

    /// Writes the probabilities of posters to `out`, `[posters, genres]`, on `threads` cores. Returns the index and
    /// the exception of each poster that has none; its row is NaN.
    fn classify_batch(
        &self,
        py: Python<'_>,
        posters: Vec<Bound<'_, PyAny>>,
        threads: usize,
        out: PyBuffer<f32>,
    ) -> PyResult<Vec<IndexedException>> {
        let posters: Vec<_> = posters.iter().map(Poster::from_python).collect::<PyResult<_>>()?;
        self.classify_into(py, &posters, threads, &out)
    }

    /// Like `classify_batch`, for image files that lie in one buffer of bytes: file `i` from `bounds[i, 0]` up to
    /// `bounds[i, 1]`; a negative bound means that there is none.
    fn classify_spans(
        &self,
        py: Python<'_>,
        values: PyBuffer<u8>,
        bounds: PyBuffer<i64>,
        threads: usize,
        out: PyBuffer<f32>,
    ) -> PyResult<Vec<IndexedException>> {
        // SAFETY: `values` keeps the memory alive and in place until this function returns. Arrow's buffers, from
        // which `marquee.arrow` calls this, are immutable, so that no Python thread writes to it meanwhile.
        #[allow(unsafe_code)]
        let values = values.as_slice_ptr().map(|values| unsafe { values.as_ref() }).unwrap_or(&[]);
        let bounds = bounds.to_vec(py)?;
        let posters = bounds.as_chunks::<2>().0.iter().map(|bounds| {
            let [start, end] = bounds.map(usize::try_from);
            let bytes = start.ok().zip(end.ok()).and_then(|(start, end)| values.get(start..end));
            bytes.map_or(Poster::Missing, Poster::Bytes)
        });
        self.classify_into(py, &posters.collect::<Vec<_>>(), threads, &out)
    }

    /// Returns the heatmaps of a poster: `(count, first, step)` of the columns and of the rows, and each genre's bias
    /// and cells, row by row.
    fn explain(&self, py: Python<'_>, poster: &Bound<'_, PyAny>) -> PyResult<PythonHeatmaps> {
        let poster = Poster::from_python(poster)?;
        let heatmaps = py.detach(|| explanation::explain(self, &poster));
        let Heatmaps { axes, maps } = heatmaps.map_err(|error| poster_exception(py, &error))?;
        let axes = axes.map(|GridAxis { count, first, step }| (count, first, step));
        Ok((axes, maps))
    }

    /// Evaluates `probabilities` with `labels`, both `[posters][genres]`, the genres in the manifest's order.
    /// A label that is `None` is unknown.
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        labels: Vec<Vec<Label>>,
        probabilities: Vec<Vec<f32>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        evaluation::evaluate(py, self, &labels, &probabilities)
    }

    /// Returns the SHA-256 of the model's weights, which identifies the model.
    fn weights_sha256(&self) -> &str {
        &self.manifest.weights.sha256
    }
}

impl NativeModel {
    fn load(files: BundleFiles) -> marquee::Result<Self> {
        let (manifest, weights) = files.into_parts();
        let Manifest { architecture, input, genres, .. } = &manifest;
        let model = CpuModel::new(architecture, input, genres.len(), &weights)?;
        Ok(Self { manifest, model })
    }

    /// Returns the probability of each genre, in the manifest's order.
    pub(crate) fn probabilities(&self, poster: &Poster<'_>) -> Result<Vec<f32>, PosterError> {
        let logits = self.model.logits(&poster.pixels(&self.manifest.input)?);
        let logits = logits.map_err(PosterError::Failed)?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            let reason = "the result contains NaN or infinite values".into();
            return Err(PosterError::Failed(Error::Compute { reason }));
        }
        Ok(logits.into_iter().map(|logit| sigmoid(logit / self.manifest.temperature)).collect())
    }

    /// Returns what each cell adds to each genre's logit; `None` if the architecture has no heatmaps.
    pub(crate) fn contributions(&self, pixels: &Pixels) -> marquee::Result<Option<Contributions>> {
        self.model.contributions(pixels)
    }

    fn classify_into(
        &self,
        py: Python<'_>,
        posters: &[Poster<'_>],
        threads: usize,
        out: &PyBuffer<f32>,
    ) -> PyResult<Vec<IndexedException>> {
        let batch = batch::classify(py, self, posters, threads)?;
        out.copy_from_slice(py, &batch.probabilities)?;
        let exceptions = batch
            .errors
            .iter()
            .map(|(index, error)| (*index, poster_exception(py, error).into_value(py)));
        Ok(exceptions.collect())
    }
}
