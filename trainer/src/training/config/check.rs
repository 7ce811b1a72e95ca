//! Checks the ranges and combinations of a configuration's values.

use anyhow::{Result, bail, ensure};

use super::{Config, DistillationConfig, accepts_any_size};

impl Config {
    /// Checks that a run can follow this configuration.
    ///
    /// # Errors
    /// Names the first value that is out of range or contradicts another.
    pub(super) fn check(&self) -> Result<()> {
        self.check_counts()?;
        self.check_ranges()?;
        self.check_combinations()
    }

    fn check_counts(&self) -> Result<()> {
        ensure!(self.epochs > 0, "epochs must be at least 1");
        ensure!(self.batch_size > 0, "batch_size must be at least 1");
        ensure!(self.limit != Some(0), "limit must be at least 1");
        ensure!(self.patience != Some(0), "patience must be at least 1");
        Ok(())
    }

    fn check_ranges(&self) -> Result<()> {
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            bail!("learning_rate must be above 0, not {}", self.learning_rate);
        }
        if !(self.valid_share > 0.0 && self.valid_share < 1.0) {
            bail!("valid_share must lie between 0 and 1, not {}", self.valid_share);
        }
        let Self { optimiser, loss, augment, distillation, additional, .. } = self;
        // Fractions, and whether 1 is allowed.
        let fractions = [
            ("test_share", self.test_share, false),
            ("ema_decay", self.ema_decay, false),
            ("loss.smoothing", loss.smoothing, false),
            ("loss.negative_margin", loss.negative_margin, false),
            ("additional.test_share", additional.test_share, false),
            ("additional.truncated_weight", additional.truncated_weight, true),
            ("augment.crop_area", augment.crop_area, true),
            ("augment.colour", augment.colour, false),
            ("augment.jpeg", augment.jpeg, true),
            ("augment.erase", augment.erase, true),
            ("distillation.weight", distillation.weight, true),
        ];
        for (name, fraction, includes_one) in fractions {
            if !(0.0..=1.0).contains(&fraction) || fraction == 1.0 && !includes_one {
                bail!("{name} must lie between 0 and 1, not {fraction}");
            }
        }
        let non_negative = [
            ("genre_balance", self.genre_balance),
            ("augment.mixup", augment.mixup),
            ("loss.negative_gamma", loss.negative_gamma),
            ("loss.positive_gamma", loss.positive_gamma),
            ("optimiser.warmup_epochs", optimiser.warmup_epochs),
            ("optimiser.weight_decay", optimiser.weight_decay),
        ];
        for (name, value) in non_negative {
            ensure!(value.is_finite() && value >= 0.0, "{name} must be 0 or more, not {value}");
        }
        let repeat = additional.main_repeat;
        ensure!(
            repeat.is_finite() && repeat > 0.0,
            "additional.main_repeat must be above 0, not {repeat}"
        );
        let decay = optimiser.part_decay;
        ensure!(
            decay > 0.0 && decay <= 1.0,
            "optimiser.part_decay must be above 0 and at most 1, not {decay}"
        );
        ensure!(
            (0.5..=2.0).contains(&self.inference_scale),
            "inference_scale must lie between 0.5 and 2, not {}",
            self.inference_scale
        );
        let stored = self.stored_scale.unwrap_or(1.0);
        ensure!(
            (0.5..=8.0).contains(&stored),
            "stored_scale must lie between 0.5 and 8, not {stored}"
        );
        Ok(())
    }

    fn check_combinations(&self) -> Result<()> {
        if self.valid_share + self.test_share >= 1.0 {
            bail!("valid_share and test_share leave no poster to train on");
        }
        let (name, parts) = (self.architecture.name(), self.architecture.parts());
        ensure!(
            self.frozen_parts <= parts,
            "frozen_parts is {}, but {name} has only {parts} parts",
            self.frozen_parts
        );
        ensure!(
            self.inference_scale == 1.0 || accepts_any_size(&self.architecture),
            "inference_scale must be 1: {name} accepts posters of one size only"
        );
        if self.cached_views > 0 && self.frozen_parts == 0 {
            bail!("cached_views needs frozen_parts: without them there are no features to cache");
        }
        let DistillationConfig { teachers, soft_labels, weight } = &self.distillation;
        if !(teachers.is_empty() && soft_labels.is_empty()) && *weight == 0.0 {
            bail!("distillation.weight is 0: the teachers would have no effect");
        }
        Ok(())
    }
}
