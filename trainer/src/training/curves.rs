//! Draws a run's loss, mean average precision and accuracy by epoch as `curves.svg` and `curves.png`.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Result, anyhow};
use image::{ImageFormat, RgbImage};
use marquee::bundle::write_atomically;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::chart_style::{TRAIN, VALID, register_font};
use crate::data::split::SplitName;
use crate::training::epoch_log::EpochRecord;

const SIZE: (u32, u32) = (1800, 480);

/// Draws both files into `dir`. Each replaces its predecessor by rename.
pub(crate) fn draw(records: &[EpochRecord], dir: &Path) -> Result<()> {
    write_atomically(&dir.join("curves.svg"), svg(records)?.as_bytes())?;

    let mut bitmap = RgbImage::new(SIZE.0, SIZE.1);
    draw_on(&BitMapBackend::with_buffer(&mut bitmap, SIZE).into_drawing_area(), records)
        .map_err(|error| anyhow!("curves: {error}"))?;
    let mut png = Cursor::new(Vec::new());
    bitmap.write_to(&mut png, ImageFormat::Png)?;
    write_atomically(&dir.join("curves.png"), png.get_ref())?;
    Ok(())
}

/// Returns the curves as SVG.
pub(crate) fn svg(records: &[EpochRecord]) -> Result<String> {
    register_font();
    let mut svg = String::new();
    draw_on(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), records)
        .map_err(|error| anyhow!("curves: {error}"))?;
    Ok(svg)
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Draws the loss on the left, mean average precision in the middle and the accuracy on the right.
fn draw_on<B: DrawingBackend>(area: &DrawingArea<B, Shift>, records: &[EpochRecord]) -> Drawn<B> {
    area.fill(&WHITE)?;
    let (left, others) = area.split_horizontally(SIZE.0 / 3);
    let (middle, right) = others.split_horizontally(SIZE.0 / 3);
    let falling = SeriesLabelPosition::UpperRight;
    let rising = || SeriesLabelPosition::LowerRight;
    panel(&left, "binary cross-entropy", records, falling, |record| record.loss)?;
    panel(&middle, "mean average precision", records, rising(), |record| {
        record.mean_average_precision
    })?;
    panel(&right, "accuracy, % (argmax is the first true genre)", records, rising(), |record| {
        record.accuracy * 100.0
    })?;
    area.present()
}

/// Draws one value of each epoch, as a line for training and one for validation.
fn panel<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    records: &[EpochRecord],
    legend: SeriesLabelPosition,
    value: fn(&EpochRecord) -> f64,
) -> Drawn<B> {
    let epochs = records.iter().map(|record| record.epoch).max().unwrap_or(1);
    let values = records.iter().map(value).filter(|value| value.is_finite());
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
    for (split, name, colour) in
        [(SplitName::Train, "training", TRAIN), (SplitName::Valid, "validation", VALID)]
    {
        let points: Vec<(f64, f64)> = records
            .iter()
            .filter(|record| record.split == split)
            .map(|record| (record.epoch as f64, value(record)))
            .filter(|(_, value)| value.is_finite())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_show_the_metric_that_selects_even_if_it_is_undefined() -> Result<()> {
        for mean_average_precision in [0.25, f64::NAN] {
            let record = |epoch, split| {
                let (loss, accuracy, seconds) = (0.5 / epoch as f64, 0.5, 1.0);
                EpochRecord { epoch, split, loss, accuracy, mean_average_precision, seconds }
            };
            let records = [record(1, SplitName::Train), record(1, SplitName::Valid)];
            let svg = svg(&records)?;
            let dots = svg.matches("<circle").count();
            assert!(svg.contains("mean average precision"));
            assert_eq!(dots, if mean_average_precision.is_nan() { 4 } else { 6 });
        }
        Ok(())
    }
}
