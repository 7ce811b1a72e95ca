//! Reads tensors back from their device.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::finite::check_finite;

/// Waits for the device and returns a tensor's values in row-major order.
///
/// # Errors
/// [`Error::Compute`] if the device fails, or a value is NaN or infinite.
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let failed = |reason: String| Error::Compute { reason };
    let data = tensor.into_data_async().await.map_err(|error| failed(error.to_string()))?;
    check_finite(data.try_to_vec::<f32>().map_err(|error| failed(format!("{error:?}")))?)
}
