//! The plain objects that `FineTuner` takes and returns, in Rust and in TypeScript.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

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
    bytes: FileContents;
    labels: Record<string, boolean>;
}

/** @deprecated Use LabelledPoster. */
export type TaughtPoster = LabelledPoster;

export interface TrainOptions {
    /** Stops the training: `train` then rejects with the signal's reason. */
    signal?: AbortSignal;
}

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

/// The options beside [`FineTuneOptions`](crate::fine_tune::FineTuneOptions).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LoadOptions {
    pub(super) device: Option<DeviceName>,
    pub(super) new_genres: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TrainOptions {
    #[serde(deserialize_with = "signal")]
    pub(super) signal: Option<AbortSignal>,
}

fn signal<'de, D: Deserializer<'de>>(value: D) -> Result<Option<AbortSignal>, D::Error> {
    let value: JsValue = serde_wasm_bindgen::preserve::deserialize(value)?;
    match value.dyn_into() {
        Ok(signal) => Ok(Some(signal)),
        Err(_) => Err(D::Error::custom("expected an AbortSignal")),
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
