//! The output of `trainer predict`: text, a JSON array or JSON lines, written as results come.

use std::io::{self, StdoutLock, Write};

use marquee::Prediction;
use serde_json::{Value, json};

use crate::cli::PredictionFormat as Format;

/// Writes one result after the other to standard output.
pub(super) struct Output {
    format: Format,
    stdout: StdoutLock<'static>,
    is_first: bool,
}

impl Output {
    pub(super) fn begin(format: Format) -> io::Result<Self> {
        let mut stdout = io::stdout().lock();
        if format == Format::JsonArray {
            write!(stdout, "[")?;
        }
        Ok(Self { format, stdout, is_first: true })
    }

    /// Writes an image's genres, the most probable first.
    pub(super) fn genres(&mut self, image: &str, genres: &[Prediction]) -> io::Result<()> {
        if self.format == Format::Text {
            let genres =
                genres.iter().map(|p| format!("{} {:.1}%", p.genre, p.probability * 100.0));
            let genres = genres.collect::<Vec<_>>().join(", ");
            return writeln!(self.stdout, "{image}: {genres}");
        }
        self.json(&json!({ "image": image, "genres": genres }))
    }

    /// Writes why an image could not be classified.
    pub(super) fn error(&mut self, image: &str, error: &anyhow::Error) -> io::Result<()> {
        if self.format == Format::Text {
            eprintln!("{image}: {error:#}");
            return Ok(());
        }
        self.json(&json!({ "image": image, "error": format!("{error:#}") }))
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        if self.format == Format::JsonLines {
            return writeln!(self.stdout, "{value}");
        }
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        write!(self.stdout, "{comma}\n{value:#}")
    }

    /// Completes the output.
    pub(super) fn end(mut self) -> io::Result<()> {
        if self.format == Format::JsonArray {
            writeln!(self.stdout, "\n]")?;
        }
        self.stdout.flush()
    }
}
