//! The learning rate of each step and part of the model, from the configuration.

use anyhow::Result;
use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLrScheduler, ModuleLrSchedulerConfig};
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::ParamGroup;
use marquee::architecture::efficientnet_lite::{PARTS, part_path};

use crate::training::config::{Config, OptimiserConfig, Schedule};

/// Returns the learning rate at each step: warm-up, then the configured schedule. Part `i` of `PARTS` trains at
/// `part_decay ^ (PARTS - i)` times the rate of the head.
///
/// `epoch_steps` is the number of steps in the first epoch, `steps` that of the whole training.
pub(crate) fn schedule(
    config: &Config,
    epoch_steps: usize,
    steps: usize,
) -> Result<ModuleLrScheduler> {
    let OptimiserConfig { warmup_epochs, schedule, part_decay, .. } = &config.optimiser;
    let warmup = ((warmup_epochs * epoch_steps as f64) as usize).min(steps - 1);
    let with_peak = |rate: f64| -> LrSchedulerConfig {
        let after_warmup = match schedule {
            Schedule::Constant => LrSchedulerConfig::Constant(rate),
            Schedule::Cosine => CosineAnnealingLrSchedulerConfig::new(rate, steps - warmup).into(),
        };
        if warmup == 0 {
            return after_warmup;
        }
        let rising = LinearLrSchedulerConfig::new(rate / warmup as f64, rate, warmup);
        SequentialLrSchedulerConfig::new(vec![rising.into(), after_warmup], vec![warmup]).into()
    };
    let mut rates = ModuleLrSchedulerConfig::new(with_peak(config.learning_rate));
    if *part_decay < 1.0 {
        for part in 0..PARTS {
            let distance_to_head = (PARTS - part) as f64;
            let path = regex::escape(&part_path(part));
            let group = ParamGroup::from_regex(format!("(^|\\.){path}"))
                .map_err(|error| anyhow::anyhow!("{error:?}"))?;
            let peak = config.learning_rate * part_decay.powf(distance_to_head);
            rates = rates.with_group(group, with_peak(peak));
        }
    }
    rates.init().map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use burn::module::ParamId;
    use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;

    use super::*;
    use crate::training::config::Overrides;

    const PEAK: f64 = 5e-4;

    /// The rates of 24 steps, 8 in each epoch.
    fn rates(set: &[&str]) -> Result<Vec<ModuleLearningRate>> {
        let set = set.iter().map(|&setting| setting.to_owned()).collect();
        let overrides = Overrides { set, ..Overrides::default() };
        let config = Config::resolve("efficientnet-lite0", &overrides)?;
        assert_eq!(config.learning_rate, PEAK);
        let mut schedule = schedule(&config, 8, 24)?;
        Ok((0..24).map(|_| schedule.step()).collect())
    }

    #[track_caller]
    fn assert_near(rate: f64, expected: f64) {
        assert!((rate - expected).abs() < PEAK * 1e-6, "{rate} is not {expected}");
    }

    #[test]
    fn the_rate_rises_for_half_an_epoch_and_falls_along_half_a_cosine() -> Result<()> {
        let rates: Vec<f64> = rates(&[])?.iter().map(ModuleLearningRate::base).collect();
        for (step, rate) in rates[..4].iter().enumerate() {
            assert_near(*rate, PEAK * (0.25 + 0.75 * step as f64 / 4.0));
        }
        assert_near(rates[4], PEAK);
        // The cosine has the remaining 20 steps: half of the peak after 10 of them, almost 0 at the end.
        assert_near(rates[4 + 10], PEAK / 2.0);
        assert!(rates[4..].is_sorted_by(|a, b| a >= b), "{rates:?}");
        assert!(rates[23] < PEAK * 0.01, "{rates:?}");
        Ok(())
    }

    #[test]
    fn a_constant_schedule_stays_at_the_peak() -> Result<()> {
        let set = ["optimiser.schedule=constant", "optimiser.warmup_epochs=0"];
        rates(&set)?.iter().for_each(|rate| assert_near(rate.base(), PEAK));
        Ok(())
    }

    #[test]
    fn each_part_has_a_fraction_of_the_rate_of_the_next() -> Result<()> {
        let rates = rates(&["optimiser.part_decay=0.5", "optimiser.warmup_epochs=0"])?;
        let rate = |path: &str| rates[0].lr_from_param(ParamId::new(), Some(path));
        let of_part = |part| rate(&format!("model.{}conv.weight", part_path(part)));
        let head = rate("model.head.weight");
        assert_near(head, rates[0].base());
        assert_near(of_part(PARTS - 1), head / 2.0);
        assert_near(of_part(PARTS - 2), head / 4.0);
        assert_near(of_part(0), head * 0.5f64.powi(PARTS as i32));
        Ok(())
    }
}
