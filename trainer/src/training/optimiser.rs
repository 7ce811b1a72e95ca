//! The optimiser and its learning-rate schedule, from the configuration.

use anyhow::Result;
use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLrScheduler, ModuleLrSchedulerConfig};
use burn::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::module::ParamGroup;
use burn::optim::{AdamWConfig, ModuleOptimizer};
use marquee::architecture::efficientnet_lite::{PARTS, part_path};

use crate::training::config::{Config, OptimiserConfig, Schedule};

/// Returns AdamW with the configured weight decay and gradient clipping.
pub(crate) fn optimiser(config: &OptimiserConfig) -> ModuleOptimizer {
    AdamWConfig::new()
        .with_epsilon(config.epsilon as f32)
        .with_weight_decay(config.weight_decay as f32)
        .with_grad_clipping(config.clip_norm.map(|norm| GradientClippingConfig::Norm(norm as f32)))
        .init()
}

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
