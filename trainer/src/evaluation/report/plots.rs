//! The report's drawings, as SVG.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::commands::evaluate::Judged;
use crate::training::curves::{TRAIN, VALID, register_font};
use marquee::metrics::{LabelledPredictions, ReliabilityBin};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

const QUIET: RGBColor = RGBColor(120, 128, 138);

/// An SVG of `size`, with what `draw` draws.
fn drawing(size: (u32, u32), draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    register_font();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area));
        let drawn = drawn.and_then(|()| area.present().map_err(Into::into));
        drawn.map_err(|error| anyhow!("the report's drawings: {error}"))?;
    }
    Ok(svg)
}

/// A small chart for each of `genres`: precision by recall.
pub(super) fn precision_recall(
    answers: &LabelledPredictions<'_>,
    names: &[String],
    genres: &[usize],
) -> Result<String> {
    const COLUMNS: usize = 5;
    let rows = genres.len().div_ceil(COLUMNS).max(1);
    drawing((1200, 230 * rows as u32), |area| {
        for (panel, &genre) in area.split_evenly((rows, COLUMNS)).iter().zip(genres) {
            let ranking = answers.ranking(genre);
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
                .label_style(("sans-serif", 13, &QUIET))
                .light_line_style(TRANSPARENT)
                .bold_line_style(BLACK.mix(0.08))
                .draw()?;
            let guessing = positives / ranking.len() as f64;
            let level = [(0.0, guessing), (1.0, guessing)];
            chart.draw_series(DashedLineSeries::new(level, 5, 4, VALID.stroke_width(1)))?;
            chart.draw_series(LineSeries::new(points, TRAIN.stroke_width(2)))?;
        }
        Ok(())
    })
}

/// Frequency by probability, above the number of answers.
pub(super) fn reliability(bins: &[ReliabilityBin]) -> Result<String> {
    drawing((560, 620), |area| {
        let (above, below) = area.split_vertically(470);
        let mut chart = ChartBuilder::on(&above)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .x_desc("probability")
            .y_desc("how often it is true")
            .x_labels(6)
            .y_labels(6)
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 16))
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.08))
            .draw()?;
        let diagonal = [(0.0, 0.0), (1.0, 1.0)];
        chart.draw_series(DashedLineSeries::new(diagonal, 6, 4, QUIET.stroke_width(1)))?;
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
            .y_desc("answers")
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

/// Two heatmaps: which genres are labelled together, and which are answered together.
pub(super) fn co_occurrence(judged: &Judged, names: &[String]) -> Result<String> {
    drawing((1200, 640), |area| {
        let (left, right) = area.split_horizontally(600);
        heatmap(&left, "as labelled", &judged.labels, names)?;
        heatmap(&right, "as answered", &judged.decisions, names)
    })
}

fn heatmap(area: &Area<'_>, title: &str, rows: &[Vec<bool>], names: &[String]) -> Drawn {
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
        let colour = if a == b { QUIET.mix(0.15) } else { TRAIN.mix(share.sqrt()) };
        Rectangle::new([(x, y), (x + 1, y + 1)], colour.filled())
    }))?;
    let plotting = chart.plotting_area();
    let style = ("sans-serif", 12).into_text_style(area);
    for (index, name) in names.iter().enumerate() {
        let (x, y) = plotting.map_coordinate(&(0, side - index as i32));
        let base = area.get_base_pixel();
        let cell = plotting.map_coordinate(&(0, 0)).1 - plotting.map_coordinate(&(0, 1)).1;
        let row =
            style.pos(text_anchor::Pos::new(text_anchor::HPos::Right, text_anchor::VPos::Center));
        let at = (x - base.0 - 5, y - base.1 + cell / 2);
        area.draw_text(name, &row, at)?;
        let (x, y) = plotting.map_coordinate(&(index as i32, 0));
        let column = style
            .pos(text_anchor::Pos::new(text_anchor::HPos::Right, text_anchor::VPos::Center))
            .transform(FontTransform::Rotate270);
        let width = plotting.map_coordinate(&(1, 0)).0 - plotting.map_coordinate(&(0, 0)).0;
        area.draw_text(name, &column, (x - base.0 + width / 2, y - base.1 + 5))?;
    }
    Ok(())
}

use plotters::style::text_anchor;
