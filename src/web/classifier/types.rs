//! The plain objects that `Classifier` takes and returns, in Rust and in TypeScript.

use js_sys::Float32Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use crate::architecture::GridAxis;
use crate::bundle::Metric;
use crate::classify::{Explanation, Heatmap, Heatmaps, Prediction};
use crate::metrics::{Evaluation, GenreMetrics, Label};
use crate::web::device::DeviceName;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
export interface LoadOptions {
    /** Defaults to "webgpu" in a package that has it, otherwise to "cpu". */
    device?: DeviceName;
}

export interface ClassifyOptions {
    /** Return only this many genres, the most probable; defaults to all. */
    top?: number;
}

export interface Prediction {
    genre: string;
    /** 0..1. A poster may have several genres, so these do not add up to 1. */
    probability: number;
    /** Whether the probability reaches the genre's threshold. */
    likely: boolean;
}

/** The positions of a heatmap along one side of the poster. */
export interface GridAxis {
    count: number;
    /** Centre of the first position, as a fraction of the side: 0 is the left or top edge, 1 the other. */
    first: number;
    /** Distance between the centres of neighbours, as a fraction of the side. */
    step: number;
}

/** @deprecated Use GridAxis. */
export type Places = GridAxis;

/** The evidence for and against one genre, place by place. */
export interface Heatmap {
    genre: string;
    /** The genre's log-odds without any evidence from the poster. */
    bias: number;
    /** What each place adds to the log-odds, rows from the top; see `shape`. */
    values: Float32Array;
}

export interface Explanation {
    /** All genres, the most probable first. */
    predictions: Prediction[];
    heatmaps: {
        /** Rows and columns of each heatmap: y.count and x.count. */
        shape: [number, number];
        x: GridAxis;
        y: GridAxis;
        genres: Heatmap[];
    };
}

/** A prediction about a labelled poster. Both arrays are in the order of the manifest's genres. */
export interface LabelledPrediction {
    probabilities: number[];
    /** undefined or null: unknown; counts in no metric. */
    labels: (boolean | null | undefined)[];
}

/** @deprecated Use LabelledPrediction. */
export type LabelledAnswer = LabelledPrediction;

/** Part of a bundle's `model.json`. */
export interface Manifest {
    format_version: number;
    architecture: { name: string };
    input: { width: number; height: number };
    genres: {
        name: string;
        /** Probability from which on the genre counts as likely. */
        threshold: number;
        /** Number of training posters that have it. */
        posters: number;
        /** Number of additional training posters that have it; absent if there are none. */
        additional_posters?: number;
        quality?: { positives: number; average_precision: number | null };
    }[];
    /** On the test posters, or on the validation posters if there are none. */
    metrics: Metric[];
    /** On test posters of other sources; absent if there are none. */
    additional_metrics?: Metric[];
    training: {
        config: string;
        data: string;
        train_posters: number;
        /** Posters of additional data that it was trained on too; absent if there are none. */
        additional_posters?: number;
        valid_posters: number;
        test_posters: number;
        /** Test posters of other sources; absent if there are none. */
        additional_test_posters?: number;
        device: string;
        minutes: number;
        licence: string;
    };
    weights: { file: string; bytes: number; sha256: string };
}

/** One metric of a model. */
export interface Metric {
    name: string;
    /** Undefined for some posters, such as a mean over no genre: then null in a manifest, and NaN from `evaluate`. */
    value: number | null;
    /** Value of the best baseline; absent if a comparison is not meaningful. */
    baseline?: number | null;
    higher_is_better: boolean;
}

export interface Evaluation {
    /** Number of evaluated posters. */
    posters: number;
    metrics: Metric[];
    genres: {
        genre: string;
        /** Posters whose label is known. */
        labels: number;
        /** Posters that have it. */
        positives: number;
        /** Posters for which it is predicted. */
        predicted: number;
        average_precision: number;
        auroc: number;
        precision: number;
        recall: number;
        f1: number;
        /** Expected calibration error of its probabilities. */
        calibration_error: number;
        threshold: number;
    }[];
}
"#;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LoadOptions {
    pub(super) device: Option<DeviceName>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ClassifyOptions {
    top: Option<usize>,
}

impl ClassifyOptions {
    /// Keeps the first `top` predictions.
    pub(super) fn limit(&self, mut predictions: Vec<Prediction>) -> Vec<Prediction> {
        predictions.truncate(self.top.unwrap_or(usize::MAX));
        predictions
    }
}

/// An explanation whose heatmaps are typed arrays.
#[derive(Serialize)]
pub(super) struct JsExplanation {
    predictions: Vec<Prediction>,
    heatmaps: JsHeatmaps,
}

#[derive(Serialize)]
struct JsHeatmaps {
    shape: [usize; 2],
    x: GridAxis,
    y: GridAxis,
    genres: Vec<JsHeatmap>,
}

#[derive(Serialize)]
struct JsHeatmap {
    genre: String,
    bias: f32,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    values: Float32Array,
}

impl From<Explanation> for JsExplanation {
    fn from(Explanation { predictions, heatmaps }: Explanation) -> Self {
        let shape = heatmaps.shape();
        let Heatmaps { x, y, genres } = heatmaps;
        let genres = genres.into_iter().map(|Heatmap { genre, bias, values }| JsHeatmap {
            genre,
            bias,
            values: Float32Array::from(values.as_slice()),
        });
        Self { predictions, heatmaps: JsHeatmaps { shape, x, y, genres: genres.collect() } }
    }
}

#[derive(Deserialize)]
pub(super) struct LabelledPrediction {
    pub(super) probabilities: Vec<f32>,
    pub(super) labels: Vec<Label>,
}

#[derive(Serialize)]
pub(super) struct EvaluationResult {
    posters: usize,
    metrics: Vec<Metric>,
    genres: Vec<GenreMetrics>,
}

impl From<Evaluation> for EvaluationResult {
    fn from(evaluation: Evaluation) -> Self {
        let metrics = evaluation.to_metrics();
        Self { posters: evaluation.posters, metrics, genres: evaluation.genres }
    }
}
