//! The contribution of each place of the last feature map to a model's output, from which heatmaps are made.

/// One poster's logits, split by place: a genre's logit is the sum of its map plus its bias.
#[derive(Debug, Clone)]
pub struct Contributions {
    /// `[genres, rows, columns]` in row-major order.
    pub maps: Vec<f32>,
    /// `[genres]`.
    pub bias: Vec<f32>,
}
