//! The font and the colours of all charts.

use std::sync::Once;

use plotters::prelude::*;

/// The colour of training metrics.
pub(crate) const TRAIN: RGBColor = RGBColor(37, 99, 165);

/// The colour of validation metrics.
pub(crate) const VALID: RGBColor = RGBColor(196, 78, 28);

/// Registers the embedded font, because servers often have no fonts.
pub(crate) fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        // Registration fails only for an invalid font; drawing then returns the error.
        let _ = plotters::style::register_font("sans-serif", FontStyle::Normal, font);
    });
}
