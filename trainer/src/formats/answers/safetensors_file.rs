//! Answers as safetensors: a tensor `probabilities`, and the names of its rows and columns as metadata.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;

use super::Answers;

const TENSOR: &str = "probabilities";

/// Reads the bytes of a safetensors file. The values are not yet checked.
pub(super) fn read(bytes: &[u8]) -> Result<Answers> {
    let invalid = |error| anyhow!("this is not a safetensors file: {error}");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(invalid)?;
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let tensor =
        file.tensor(TENSOR).map_err(|_| anyhow!("there is no tensor {TENSOR:?} in the file"))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let ids: Vec<String> = list(&metadata, "ids")?.context("the metadata has no \"ids\"")?;
    let genres: Vec<String> =
        list(&metadata, "genres")?.context("the metadata has no \"genres\"")?;
    let thresholds: Option<Vec<f32>> = list(&metadata, "thresholds")?;
    ensure!(
        tensor.shape() == [ids.len(), genres.len()],
        "the tensor {TENSOR:?} has the shape {:?}, but there are {} ids and {} genres",
        tensor.shape(),
        ids.len(),
        genres.len()
    );
    if let Some(thresholds) = &thresholds {
        let (found, expected) = (thresholds.len(), genres.len());
        ensure!(found == expected, "there are {found} thresholds, but {expected} genres");
    }
    let values = floats(&tensor)?;
    let probabilities = values.chunks(genres.len().max(1)).map(<[f32]>::to_vec).collect();
    Ok(Answers { genres, ids, probabilities, thresholds })
}

/// Returns a list that is stored as a JSON array in the metadata.
fn list<T: DeserializeOwned>(metadata: &HashMap<String, String>, key: &str) -> Result<Option<T>> {
    let Some(json) = metadata.get(key) else { return Ok(None) };
    let list = serde_json::from_str(json);
    list.map(Some).with_context(|| format!("the metadata's {key:?} is not a JSON array"))
}

fn floats(tensor: &TensorView<'_>) -> Result<Vec<f32>> {
    let bytes = tensor.data();
    Ok(match tensor.dtype() {
        Dtype::F64 => {
            let (values, _) = bytes.as_chunks::<8>();
            values.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
        }
        Dtype::F32 => {
            let (values, _) = bytes.as_chunks::<4>();
            values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        Dtype::F16 => {
            let (values, _) = bytes.as_chunks::<2>();
            values.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
        }
        other => bail!("the tensor {TENSOR:?} has the type {other:?}; store it as 32-bit floats"),
    })
}

/// Returns the bytes of a safetensors file.
pub(super) fn encode(answers: &Answers) -> Result<Vec<u8>> {
    let rows = answers.probabilities.iter().flatten();
    let bytes: Vec<u8> = rows.flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![answers.probabilities.len(), answers.genres.len()];
    let tensor = TensorView::new(Dtype::F32, shape, &bytes)?;
    let mut metadata = HashMap::from([
        ("ids".to_owned(), serde_json::to_string(&answers.ids)?),
        ("genres".to_owned(), serde_json::to_string(&answers.genres)?),
    ]);
    if let Some(thresholds) = &answers.thresholds {
        metadata.insert("thresholds".into(), serde_json::to_string(thresholds)?);
    }
    Ok(safetensors::serialize([(TENSOR, tensor)], Some(metadata))?)
}
