//! The search space of `trainer sweep`: random search over configuration values (Bergstra and Bengio 2012, "Random
//! Search for Hyper-Parameter Optimization").

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use toml::Value;

/// A search space. `configs/sweep.toml` is an example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchSpace {
    /// The configuration on which all trials are based.
    pub(crate) config: String,
    /// Random seed of the draws.
    seed: u64,
    /// Configuration values that all trials share, by key.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, Value>,
    /// The values to search, by key, such as `augment.mixup`.
    pub(crate) search: BTreeMap<String, Range>,
}

/// The values that a key can take.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Range {
    /// One of a list.
    Choice(Vec<Value>),
    /// A number between two bounds.
    Interval {
        low: f64,
        high: f64,
        /// Whether to draw uniformly on a logarithmic scale.
        #[serde(default)]
        log: bool,
    },
}

impl SearchSpace {
    /// Reads a search space from TOML.
    ///
    /// # Errors
    /// The text is not a search space, or a range is empty.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let space: Self = toml::from_str(text)?;
        for (key, range) in &space.search {
            range.check().with_context(|| format!("search.{key}"))?;
        }
        Ok(space)
    }

    /// Draws the settings of a trial, which depend on the seed and the trial's number alone: `key=value`, in the order
    /// of the keys.
    pub(crate) fn draw(&self, trial: usize) -> Vec<String> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(trial as u64);
        let ranges = self.search.iter();
        ranges.map(|(key, range)| format!("{key}={}", range.draw(&mut rng))).collect()
    }
}

impl Range {
    fn check(&self) -> Result<()> {
        match self {
            Self::Choice(values) => ensure!(!values.is_empty(), "the list of values is empty"),
            Self::Interval { low, high, log } => {
                ensure!(low < high, "low must be below high");
                ensure!(!log || *low > 0.0, "low must be above 0 if log is true");
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> String {
        match self {
            Self::Choice(values) => values[rng.random_range(0..values.len())].to_string(),
            Self::Interval { low, high, log: false } => rounded(rng.random_range(*low..*high)),
            Self::Interval { low, high, log: true } => {
                rounded(rng.random_range(low.ln()..high.ln()).exp())
            }
        }
    }
}

/// Rounds to two significant digits: a random search cannot tell closer values apart.
fn rounded(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.parse::<f64>().map_or(text, |value| value.to_string())
}
