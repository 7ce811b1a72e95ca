//! Takes optimiser steps with the head and, at [`Depth::LastStage`], with the last stage.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use super::head::HeadTrainer;
use super::last_stage::LastStageTrainer;
use super::options::{Depth, FineTuneOptions};
use super::training_set::{Batch, TrainingSet};
use crate::model::EfficientNetLite;

/// The trained part of the model.
pub(super) struct Trainer {
    /// The autodiff device.
    device: Device,
    head: HeadTrainer,
    last_stage: Option<LastStageTrainer>,
    /// Number of heads, and genres of each.
    heads: usize,
    genres: usize,
    micro_batch_size: Option<usize>,
    learning_rate: f64,
}

impl Trainer {
    /// Begins with `origin` on `device` and the weights of its head, which has so many known and new genres.
    pub(super) fn new(
        origin: &EfficientNetLite,
        head: (Tensor<2>, Tensor<1>),
        [known, new]: [usize; 2],
        options: &FineTuneOptions,
        device: &Device,
    ) -> Self {
        let device = device.clone().autodiff();
        let trains_stage = options.depth == Depth::LastStage;
        Self {
            head: HeadTrainer::new(head, [known, new], options, &device),
            last_stage: trains_stage.then(|| LastStageTrainer::new(origin, options, &device)),
            heads: options.heads(),
            genres: known + new,
            micro_batch_size: trains_stage.then_some(options.micro_batch_size),
            learning_rate: options.learning_rate,
            device,
        }
    }

    /// Returns the device on which training sets must be.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// Takes one step on some rows of `set` and returns the loss of the head that is kept, still on the device.
    pub(super) fn step(&mut self, set: &TrainingSet, rows: &[usize]) -> Tensor<1> {
        let scales = self.loss_scales(set, rows);
        let micro_batch_size = self.micro_batch_size.unwrap_or(rows.len());
        let mut loss: Option<Tensor<1>> = None;
        for rows in rows.chunks(micro_batch_size) {
            let losses = self.losses(set.batch(rows), scales.clone());
            let mut objective = losses.clone().sum();
            if loss.is_none() {
                // The penalty counts once per step, not once per micro-batch.
                objective = objective + self.penalty();
            }
            let mut gradients = objective.backward();
            self.head.accumulate(&mut gradients);
            if let Some(last_stage) = &mut self.last_stage {
                last_stage.accumulate(&mut gradients);
            }
            let kept = losses.without_autodiff().narrow(1, 0, self.genres).sum();
            loss = Some(loss.map_or(kept.clone(), |loss| loss + kept));
        }
        self.head.step(self.learning_rate);
        if let Some(last_stage) = &mut self.last_stage {
            last_stage.step(self.learning_rate);
        }
        loss.unwrap_or_else(|| Tensor::zeros([1], &self.device))
    }

    /// Returns the factors that make each head's loss a mean over the labels that it learns from:
    /// `[1, heads * genres]`.
    fn loss_scales(&self, set: &TrainingSet, rows: &[usize]) -> Tensor<2> {
        let scales = (0..self.heads).flat_map(|head| {
            let sum = set.weight_sum(rows, head);
            std::iter::repeat_n(if sum > 0.0 { 1.0 / sum } else { 0.0 }, self.genres)
        });
        let data = TensorData::new::<f32, _>(scales.collect(), [1, self.heads * self.genres]);
        Tensor::from_data(data, &self.device)
    }

    /// Returns what a batch adds to the loss of each column: `[1, heads * genres]`.
    fn losses(&self, batch: Batch, scales: Tensor<2>) -> Tensor<2> {
        let Batch { inputs, targets, weights } = batch;
        let z = self.forward(inputs);
        // Cross-entropy of logits, log(1 + exp(z)) - y z, in a form that does not overflow.
        let entropy = relu(z.clone()) - z.clone() * targets + (-z.abs()).exp().log1p();
        (entropy * weights * scales).sum_dim(0)
    }

    fn penalty(&self) -> Tensor<1> {
        let penalty = self.head.penalty();
        match &self.last_stage {
            Some(last_stage) => last_stage.add_penalty(penalty),
            None => penalty,
        }
    }

    /// Returns the logits `[N, heads * genres]` of inputs of the trained part.
    fn forward(&self, inputs: Tensor<4>) -> Tensor<2> {
        let features = match &self.last_stage {
            Some(last_stage) => last_stage.forward(inputs),
            None => inputs.flatten(1, 3),
        };
        self.head.forward(features)
    }

    /// Returns the logits `[N, heads * genres]` of inputs of the trained part, without gradients.
    pub(super) fn logits(&self, inputs: Tensor<4>) -> Tensor<2> {
        self.forward(inputs).without_autodiff()
    }

    /// Returns the model with what was trained so far; `origin` is the model before.
    pub(super) fn model(&self, origin: &EfficientNetLite) -> EfficientNetLite {
        let model = match &self.last_stage {
            Some(last_stage) => last_stage.model(),
            None => origin.clone(),
        };
        model.with_head(self.head.kept(self.genres))
    }
}
