//! Soft labels as safetensors. NaN marks an unknown probability.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::SoftLabelTable;

const TENSOR: &str = "probabilities";

pub(super) fn read(bytes: &[u8]) -> Result<SoftLabelTable> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).context("this is not a safetensors file")?;
    let strings = |key: &str| -> Result<Vec<String>> {
        let metadata = header.metadata().as_ref();
        let json = metadata.and_then(|metadata| metadata.get(key));
        let json = json.with_context(|| format!("there is no metadata {key:?}"))?;
        serde_json::from_str(json).with_context(|| format!("metadata {key:?}"))
    };
    let (ids, genres) = (strings("ids")?, strings("genres")?);
    let tensors = SafeTensors::deserialize(bytes)?;
    let tensor =
        tensors.tensor(TENSOR).with_context(|| format!("there is no tensor {TENSOR:?}"))?;
    ensure!(
        tensor.dtype() == Dtype::F32 && tensor.shape() == [ids.len(), genres.len()],
        "the tensor {TENSOR:?} is {:?} {:?}, not F32 of {} ids and {} genres",
        tensor.dtype(),
        tensor.shape(),
        ids.len(),
        genres.len()
    );
    let (values, _) = tensor.data().as_chunks::<4>();
    let values: Vec<Option<f32>> = values
        .iter()
        .map(|bytes| Some(f32::from_le_bytes(*bytes)).filter(|value| !value.is_nan()))
        .collect();
    let rows = ids.into_iter().zip(values.chunks(genres.len().max(1)).map(<[_]>::to_vec));
    Ok(SoftLabelTable { rows: rows.collect(), genres })
}

pub(super) fn encode(table: &SoftLabelTable) -> Result<Vec<u8>> {
    let ids: Vec<&str> = table.rows.iter().map(|(id, _)| id.as_str()).collect();
    let metadata = HashMap::from([
        ("ids".to_owned(), serde_json::to_string(&ids)?),
        ("genres".to_owned(), serde_json::to_string(&table.genres)?),
    ]);
    let values = table.rows.iter().flat_map(|(_, row)| row);
    let bytes: Vec<u8> = values.flat_map(|value| value.unwrap_or(f32::NAN).to_le_bytes()).collect();
    let shape = vec![table.rows.len(), table.genres.len()];
    let tensor = TensorView::new(Dtype::F32, shape, &bytes)?;
    Ok(safetensors::serialize([(TENSOR, tensor)], Some(metadata))?)
}
