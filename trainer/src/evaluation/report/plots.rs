//! The report's plots, as SVG.

use anyhow::{Result, anyhow};
use marquee::metrics::{Label, LabelledPredictions, ReliabilityBin};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::chart_style::{TRAIN, VALID, register_font};
use crate::evaluation::classified_posters::ClassifiedPosters;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type DrawResult = Result<(), Box<dyn std::error::Error>>;

/// Colour of secondary text and lines.
const MUTED: RGBColor = RGBColor(120, 128, 138);

/// Returns an SVG of `size` pixels, drawn by `draw`.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> DrawResult) -> Result<String> {
    register_font();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area));
        let drawn = drawn.and_then(|()| area.present().map_err(Into::into));
        drawn.map_err(|error| anyhow!("cannot draw the report's plots: {error}"))?;
    }
    Ok(svg)
}

/// Draws the precision-recall curve of each of `genres` in a panel of its own.
pub(super) fn precision_recall(
    predictions: &LabelledPredictions<'_>,
    names: &[String],
    genres: &[usize],
) -> Result<String> {
    const COLUMNS: usize = 5;
    let rows = genres.len().div_ceil(COLUMNS).max(1);
    svg((1200, 230 * rows as u32), |area| {
        for (panel, &genre) in area.split_evenly((rows, COLUMNS)).iter().zip(genres) {
            let ranking = predictions.ranking(genre);
            let positives = ranking.iter().filter(|(_, label)| *label).count() as f64;
            let mut hits = 0.0;
            let points: Vec<(f64, f64)> = ranking
                .iter()
                .enumerate()
                .map(|(index, (_, label))| {
                    hits += f64::from(u8::from(*label));
                    (hits / positives, hits / (index + 1) as f64)
                })
                .collect();
            let mut chart = ChartBuilder::on(panel)
                .caption(format!("{} ({positives})", names[genre]), ("sans-serif", 17))
                .margin(8)
                .x_label_area_size(24)
                .y_label_area_size(34)
                .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
            chart
                .configure_mesh()
                .x_labels(3)
                .y_labels(3)
                .label_style(("sans-serif", 13, &MUTED))
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.08))
                .draw()?;
            let baseline = positives / ranking.len() as f64;
            let level = [(0.0, baseline), (1.0, baseline)];
            chart.draw_series(DashedLineSeries::new(level, 5, 4, VALID.stroke_width(1)))?;
            chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// Draws the reliability diagram, and below it the number of predictions in each bin.
pub(super) fn reliability(bins: &[ReliabilityBin]) -> Result<String> {
    svg((560, 620), |area| {
        let (above, below) = area.split_vertically(470);
        let mut chart = ChartBuilder::on(&above)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .x_desc("predicted probability")
            .y_desc("observed frequency")
            .x_labels(6)
            .y_labels(6)
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 16))
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.08))
            .draw()?;
        let diagonal = [(0.0, 0.0), (1.0, 1.0)];
        chart.draw_series(DashedLineSeries::new(diagonal, 6, 4, MUTED.stroke_width(1)))?;
        let points = || bins.iter().map(|bin| (bin.probability, bin.frequency));
        chart.draw_series(LineSeries::new(points(), TRAIN.stroke_width(2)))?;
        chart.draw_series(points().map(|point| Circle::new(point, 4, TRAIN.filled())))?;

        let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1) as f64;
        let mut counts = ChartBuilder::on(&below)
            .margin(12)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.0, (0.5..most * 2.0).log_scale())?;
        counts
            .configure_mesh()
            .disable_x_mesh()
            .y_desc("predictions")
            .y_labels(4)
            .y_label_formatter(&|count| format!("{count:.0}"))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 16))
            .bold_line_style(BLACK.mix(0.08))
            .light_line_style(TRANSPARENT)
            .draw()?;
        counts.draw_series(bins.iter().map(|bin| {
            let (left, right) = (bin.probability - 0.02, bin.probability + 0.02);
            Rectangle::new([(left, 0.5), (right, bin.count as f64)], TRAIN.mix(0.6).filled())
        }))?;
        Ok(())
    })
}

/// Draws two matrices: which genres are labelled together, and which are predicted together.
pub(super) fn co_occurrence(classified: &ClassifiedPosters, names: &[String]) -> Result<String> {
    svg((1200, 640), |area| {
        let (left, right) = area.split_horizontally(600);
        // An unknown label is not labelled together with any other.
        let known = |row: &Vec<Label>| row.iter().map(|label| *label == Some(true)).collect();
        let labels: Vec<Vec<bool>> = classified.labels.iter().map(known).collect();
        matrix(&left, "labels", &labels, names)?;
        matrix(&right, "predictions", &classified.decisions, names)
    })
}

/// Draws, for each pair of genres, the share of the row genre's posters that also have the column genre.
fn matrix(area: &Area<'_>, title: &str, rows: &[Vec<bool>], names: &[String]) -> DrawResult {
    let genres = names.len();
    let count = |a: usize, b: usize| rows.iter().filter(|row| row[a] && row[b]).count() as f64;
    let side = genres as i32;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(8)
        .x_label_area_size(86)
        .y_label_area_size(86)
        .build_cartesian_2d(0..side, 0..side)?;
    let squares = (0..genres).flat_map(|a| (0..genres).map(move |b| (a, b)));
    chart.draw_series(squares.map(|(a, b)| {
        let share = if a == b { 0.0 } else { count(a, b) / count(a, a).max(1.0) };
        let (x, y) = (b as i32, side - 1 - a as i32);
        let colour = if a == b { MUTED.mix(0.15) } else { TRAIN.mix(share.sqrt()) };
        Rectangle::new([(x, y), (x + 1, y + 1)], colour.filled())
    }))?;
    let plotting = chart.plotting_area();
    let style = ("sans-serif", 12).into_text_style(area);
    for (index, name) in names.iter().enumerate() {
        let (x, y) = plotting.map_coordinate(&(0, side - index as i32));
        let base = area.get_base_pixel();
        let cell = plotting.map_coordinate(&(0, 0)).1 - plotting.map_coordinate(&(0, 1)).1;
        let row = style.pos(Pos::new(HPos::Right, VPos::Center));
        let at = (x - base.0 - 5, y - base.1 + cell / 2);
        area.draw_text(name, &row, at)?;
        let (x, y) = plotting.map_coordinate(&(index as i32, 0));
        let column =
            style.pos(Pos::new(HPos::Right, VPos::Center)).transform(FontTransform::Rotate270);
        let width = plotting.map_coordinate(&(1, 0)).0 - plotting.map_coordinate(&(0, 0)).0;
        area.draw_text(name, &column, (x - base.0 + width / 2, y - base.1 + 5))?;
    }
    Ok(())
}
