//! Training in strides, between which the thread handles its messages, timers and other calls.

use std::time::Duration;

use gloo_timers::future::sleep;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::Shared;
use super::types::Progress;
use crate::web::convert::to_js;

/// Time between two progress events in milliseconds: short enough to look smooth, long enough to cost nothing.
const EVENT_INTERVAL: f64 = 100.0;

/// Takes the remaining steps; see [`FineTuner::train`](super::FineTuner::train).
pub(super) async fn run(
    shared: &Shared,
    on_progress: Option<&Function>,
    signal: Option<&AbortSignal>,
) -> Result<JsValue, JsValue> {
    let start = now();
    let (first_step, steps) = {
        let inner = shared.inner.lock().await;
        (inner.steps_taken(), inner.options().steps)
    };
    let mut progress = serde_wasm_bindgen::to_value(&Progress {
        step: first_step,
        steps,
        loss: f32::NAN,
        steps_per_second: 0.0,
        seconds_left: 0.0,
    })?;
    let mut step = first_step;
    while step < steps {
        if let Some(signal) = signal.filter(|signal| signal.aborted()) {
            return Err(signal.reason());
        }
        let loss;
        (loss, step) = take_stride(shared, steps).await?;
        let rate = (step - first_step) as f64 / ((now() - start) / 1000.0).max(1e-9);
        progress = serde_wasm_bindgen::to_value(&Progress {
            step,
            steps,
            loss,
            steps_per_second: rate,
            seconds_left: (steps - step) as f64 / rate,
        })?;
        if let Some(on_progress) = on_progress {
            let answer = on_progress.call1(&JsValue::NULL, &progress)?;
            if answer.as_bool() == Some(false) {
                break;
            }
        }
        sleep(Duration::ZERO).await;
    }
    Ok(progress)
}

/// Takes the steps until the next progress event, at most up to step `steps`. Returns their mean loss, and the number
/// of steps taken by then.
async fn take_stride(shared: &Shared, steps: usize) -> Result<(f32, usize), JsValue> {
    let mut inner = shared.inner.lock().await;
    let stride = shared.stride.get().min(steps.saturating_sub(inner.steps_taken()));
    let start = now();
    let loss = inner.step(stride).await.map_err(to_js)?;
    let elapsed = (now() - start).max(0.01);
    // At most double the stride: the first steps are slower than the later ones.
    let fitting = (stride as f64 * EVENT_INTERVAL / elapsed) as usize;
    shared.stride.set(fitting.clamp(1, 2 * stride.max(1)));
    Ok((loss, inner.steps_taken()))
}

fn now() -> f64 {
    js_sys::Date::now()
}
