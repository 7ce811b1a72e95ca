//! A run's losses and accuracies by epoch, drawn as `curves.svg` and `curves.png`.

use std::path::Path;
use std::sync::Once;

use anyhow::{Result, anyhow};
use marquee::bundle::write_atomically;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::training::epoch_log::{Line, Side};

const SIZE: (u32, u32) = (1200, 480);
pub(crate) const TRAIN: RGBColor = RGBColor(37, 99, 165);
pub(crate) const VALID: RGBColor = RGBColor(196, 78, 28);

/// Draws both files, each replaced by rename.
pub(crate) fn draw(lines: &[Line], dir: &Path) -> Result<()> {
    write_atomically(&dir.join("curves.svg"), svg(lines)?.as_bytes())?;

    // The bitmap backend writes files by itself; the rename keeps the old one until the new one is whole.
    let draft = dir.join(".curves.tmp.png");
    draw_on(&BitMapBackend::new(&draft, SIZE).into_drawing_area(), lines)
        .map_err(|error| anyhow!("curves: {error}"))?;
    std::fs::rename(&draft, dir.join("curves.png"))?;
    Ok(())
}

/// The curves as an SVG.
pub(crate) fn svg(lines: &[Line]) -> Result<String> {
    register_font();
    let mut svg = String::new();
    draw_on(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), lines)
        .map_err(|error| anyhow!("curves: {error}"))?;
    Ok(svg)
}

/// Brings its own font, since a server may have none.
pub(crate) fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        // Fails only on a font that cannot be parsed, and then the drawing says so.
        let _ = plotters::style::register_font("sans-serif", FontStyle::Normal, font);
    });
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn draw_on<B: DrawingBackend>(area: &DrawingArea<B, Shift>, lines: &[Line]) -> Drawn<B> {
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    let (falling, rising) = (SeriesLabelPosition::UpperRight, SeriesLabelPosition::LowerRight);
    panel(&left, "binary cross-entropy", lines, falling, |line| line.loss)?;
    panel(&right, "accuracy, % (argmax is the first true genre)", lines, rising, |line| {
        line.accuracy * 100.0
    })?;
    area.present()
}

fn panel<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    lines: &[Line],
    legend: SeriesLabelPosition,
    value: fn(&Line) -> f64,
) -> Drawn<B> {
    let epochs = lines.iter().map(|line| line.epoch).max().unwrap_or(1);
    let values = lines.iter().map(value).filter(|value| value.is_finite());
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let margin = ((high - low) * 0.08).max(1e-3);

    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.5..epochs as f64 + 0.5, low - margin..high + margin)?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_labels(epochs.min(15))
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .draw()?;
    for (side, name, colour) in
        [(Side::Train, "training", TRAIN), (Side::Valid, "validation", VALID)]
    {
        let points: Vec<(f64, f64)> = lines
            .iter()
            .filter(|line| line.split == side)
            .map(|line| (line.epoch as f64, value(line)))
            .collect();
        let dots = points.iter().map(|&point| Circle::new(point, 4, colour.filled()));
        chart.draw_series(dots)?;
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(3)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
    }
    chart
        .configure_series_labels()
        .position(legend)
        .label_font(("sans-serif", 17))
        .background_style(WHITE.mix(0.85))
        .draw()
}
