//! The plain objects that `FineTuner` takes and returns, in Rust and in TypeScript.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::fine_tune::{Depth, FineTuneOptions};
use crate::web::device::DeviceName;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface FineTuneOptions {
    /** Defaults to "webgpu" in a package that has it, otherwise to "cpu". */
    device?: DeviceName;
    /** Names of genres to add to the model. */
    newGenres?: string[];
    /** What is trained: the linear head (the default), or the head and the model's last stage. */
    depth?: "head" | "last-stage";
    /** Number of optimiser steps. */
    steps?: number;
    /** Posters per step. */
    batchSize?: number;
    /** Posters that the last stage processes at a time, to save memory; gradients are accumulated over the batch. */
    microBatchSize?: number;
    /** Adam's learning rate for the head; the last stage uses a tenth of it. */
    learningRate?: number;
    /** Strength of the penalty that keeps weights near their initial values; 0 turns it off. */
    pull?: number;
    /** Weight decay of new genres. */
    decay?: number;
    /** How much a genre's rarer label is weighted up, 0..1: 0 not at all, 1 until both labels count the same. */
    balance?: number;
    /** Views of each poster, 1..6: the poster itself, its mirror image, then crops. */
    views?: number;
    /** Folds of the cross-validation; below 2 no posters are held out, and `evaluate` returns undefined. */
    folds?: number;
    /** The same seed, posters and device give the same model. */
    seed?: number;
}

/** A poster to learn from. Genres without a label are not learnt from it. */
export interface LabelledPoster {
    /** An image file: JPEG, PNG, WebP or GIF. */
    bytes: Uint8Array;
    labels: Record<string, boolean>;
}

/** @deprecated Use LabelledPoster. */
export type TaughtPoster = LabelledPoster;

export interface FineTuneProgress {
    /** Steps taken so far. */
    step: number;
    /** Steps in total. */
    steps: number;
    /** Mean cross-entropy of the steps since the last event. */
    loss: number;
    stepsPerSecond: number;
    secondsLeft: number;
}

/** One metric before and after fine-tuning, and of the baseline that predicts each genre's frequency. */
export interface Comparison {
    /** Absent if the model did not have the genre. */
    before?: number | null;
    after: number;
    guessing: number;
}

/** @deprecated Use Comparison. */
export type Compared = Comparison;

/** The quality of the fine-tuned model on held-out posters. */
export interface FineTuneReport {
    /** Number of held-out posters. */
    posters: number;
    crossEntropy: Comparison;
    averagePrecision: Comparison;
    genres: {
        genre: string;
        positives: number;
        negatives: number;
        averagePrecision: Comparison;
        /** Whether there are enough posters to tell an improvement from chance. */
        enough: boolean;
    }[];
}

/** @deprecated Use FineTuneReport. */
export type Judgement = FineTuneReport;
"#;

/// The options as JavaScript passes them: each may be absent.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct JsOptions {
    pub(super) device: Option<DeviceName>,
    pub(super) new_genres: Vec<String>,
    depth: Option<Depth>,
    steps: Option<usize>,
    batch_size: Option<usize>,
    micro_batch_size: Option<usize>,
    learning_rate: Option<f64>,
    pull: Option<f64>,
    decay: Option<f64>,
    balance: Option<f64>,
    views: Option<usize>,
    folds: Option<usize>,
    seed: Option<u64>,
}

impl JsOptions {
    /// Fills in the defaults.
    pub(super) fn fine_tune_options(&self) -> FineTuneOptions {
        let default = FineTuneOptions::default();
        FineTuneOptions {
            depth: self.depth.unwrap_or(default.depth),
            steps: self.steps.unwrap_or(default.steps),
            batch_size: self.batch_size.unwrap_or(default.batch_size),
            micro_batch_size: self.micro_batch_size.unwrap_or(default.micro_batch_size),
            learning_rate: self.learning_rate.unwrap_or(default.learning_rate),
            pull: self.pull.unwrap_or(default.pull),
            decay: self.decay.unwrap_or(default.decay),
            balance: self.balance.unwrap_or(default.balance),
            views: self.views.unwrap_or(default.views),
            folds: self.folds.unwrap_or(default.folds),
            seed: self.seed.unwrap_or(default.seed),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    pub(super) step: usize,
    pub(super) steps: usize,
    pub(super) loss: f32,
    pub(super) steps_per_second: f64,
    pub(super) seconds_left: f64,
}
