//! The reference of the configuration, from the doc comments of [`Config`] and its sections: a configuration with a
//! comment above every key, and the Markdown table of all keys.

use std::fmt::Write;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::resolve::EXTENDS;
use super::{Config, DistillationConfig, OptimiserConfig, Overrides};
use crate::data::additional::AdditionalConfig;
use crate::data::augment::Augmentation;
use crate::documented::{Key, description, documented};
use crate::training::loss::LossConfig;

/// The lines around the table in a Markdown document.
const BEGIN: &str = "<!-- config-table:begin -->";
const END: &str = "<!-- config-table:end -->";

/// The configuration whose values the table shows.
const EXAMPLE: &str = "efficientnet-lite0";

documented! {
    /// The keys of `[architecture]`, whose values are [`marquee::Architecture`].
    #[expect(dead_code, reason = "only its documentation is used")]
    pub(crate) struct ArchitectureKeys {
        /// `efficientnet-lite0`, `efficientnet-lite1`, `efficientnet-lite2` or `seed-cnn`.
        pub(crate) name: (),
        /// Fraction of the features that dropout sets to 0 in training, 0..1. seed-cnn: of the values after each block,
        /// one number or a list of three.
        pub(crate) dropout: (),
        /// Probability of skipping the last block in training, 0..1; it falls linearly to 0 at the first block (Huang
        /// et al. 2016, "Deep Networks with Stochastic Depth"). EfficientNet-Lite only.
        pub(crate) drop_path: (),
        /// Output channels of the three convolutions. seed-cnn only.
        pub(crate) channels: (),
        /// Units of the dense layer. seed-cnn only.
        pub(crate) hidden: (),
        /// Whether batch norm follows the dense layer; false if missing. seed-cnn only.
        pub(crate) hidden_norm: (),
        /// Fraction of the dense layer's values that dropout sets to 0 in training, 0..1; 0 if missing. seed-cnn only.
        pub(crate) hidden_dropout: (),
        /// Weight of each batch in batch norm's running statistics, above 0 and up to 1; 0.01 if missing. Keras counts
        /// the rest: its momentum of 0.99 is 0.01 here. seed-cnn only.
        pub(crate) norm_momentum: (),
    }
}

documented! {
    /// The keys of `[input]`, whose values are a [`marquee::Preprocess`].
    #[expect(dead_code, reason = "only its documentation is used")]
    pub(crate) struct InputKeys {
        /// Width in pixels.
        pub(crate) width: (),
        /// Height in pixels.
        pub(crate) height: (),
        /// Mean of the red, green and blue values, which run from 0 to 1; it is subtracted from them.
        pub(crate) mean: (),
        /// Standard deviation of the red, green and blue values, by which they are then divided.
        pub(crate) std: (),
    }
}

/// A section, its keys, and the description of each.
type Section = (&'static str, &'static [Key]);

/// The sections in the order in which they are printed. The first holds the top-level keys.
fn sections() -> [Section; 8] {
    [
        ("", Config::KEYS),
        ("architecture", ArchitectureKeys::KEYS),
        ("input", InputKeys::KEYS),
        ("optimiser", OptimiserConfig::KEYS),
        ("loss", LossConfig::KEYS),
        ("augment", Augmentation::KEYS),
        ("distillation", DistillationConfig::KEYS),
        ("additional", AdditionalConfig::KEYS),
    ]
}

/// Returns the keys of a section with their descriptions, without those that are sections themselves.
fn keys((_, keys): Section) -> impl Iterator<Item = (&'static str, String)> {
    let is_section = |key: &str| sections().iter().any(|(section, _)| *section == key);
    let keys = keys.iter().filter(move |(key, _)| !is_section(key));
    keys.map(|(key, attributes)| (*key, description(attributes)))
}

/// Returns the values of a section.
fn values<'a>(config: &'a Table, section: &str) -> Option<&'a Table> {
    if section.is_empty() { Some(config) } else { config.get(section)?.as_table() }
}

/// Returns a configuration as TOML with a comment above every key. Keys without a value are commented out.
pub(crate) fn commented(config: &Config) -> Result<String> {
    const WIDTH: usize = 100;
    let config = Table::try_from(config)?;
    let mut text = String::new();
    for section in sections() {
        let values = values(&config, section.0).context("a section is missing")?;
        if !section.0.is_empty() {
            writeln!(text, "\n[{}]", section.0)?;
        }
        for (key, description) in keys(section) {
            let value = values.get(key);
            if value.is_none() && section.0 == "architecture" {
                continue; // an option of another architecture
            }
            for line in wrap(&description, WIDTH - 2) {
                writeln!(text, "# {line}")?;
            }
            match value {
                Some(value) => writeln!(text, "{key} = {value}")?,
                None => writeln!(text, "# {key} is not set")?,
            }
        }
    }
    Ok(text)
}

/// Returns the Markdown table of all keys, with the values of the default configuration.
pub(crate) fn table() -> Result<String> {
    let config = Table::try_from(Config::resolve(EXAMPLE, &Overrides::default())?)?;
    let mut text = format!("| key | `{EXAMPLE}` | meaning |\n|---|---|---|\n");
    writeln!(
        text,
        "| `{EXTENDS}` |  | Name or file of a configuration whose values a file inherits unless it \
         sets them. A file name is relative to the file's folder. |"
    )?;
    for section in sections() {
        let values = values(&config, section.0).context("a section is missing")?;
        for (key, description) in keys(section) {
            let value = match values.get(key) {
                // These depend on the command line, not on the configuration.
                Some(_) if matches!(key, "name" | "data") && section.0.is_empty() => "".into(),
                Some(value) => format!("`{}`", rounded(value)),
                None => String::new(),
            };
            let dot = if section.0.is_empty() { "" } else { "." };
            writeln!(text, "| `{}{dot}{key}` | {value} | {description} |", section.0)?;
        }
    }
    Ok(text)
}

/// Replaces the table between the markers in a Markdown document.
///
/// # Errors
/// The document lacks a marker.
pub(crate) fn update(document: &str) -> Result<String> {
    let missing = || format!("the document needs the lines {BEGIN} and {END}");
    let (before, rest) = document.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table()?))
}

/// Returns a value as TOML, with floats rounded to five significant digits.
fn rounded(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("[{}]", values.iter().map(rounded).collect::<Vec<_>>().join(", "))
        }
        Value::Float(float) => {
            let short: f64 = format!("{float:.4e}").parse().unwrap_or(*float);
            format!("{short:?}")
        }
        value => value.to_string(),
    }
}

/// Breaks text into lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && (line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width)
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/training.md");

    #[test]
    fn the_documented_table_is_up_to_date() -> Result<()> {
        let document = std::fs::read_to_string(DOCUMENT)?;
        assert!(
            update(&document)? == document,
            "update it with: trainer config table --update docs/training.md"
        );
        Ok(())
    }

    #[test]
    fn every_key_has_a_description() {
        for section in sections() {
            for (key, description) in keys(section) {
                assert!(description.ends_with('.'), "{}.{key}: {description:?}", section.0);
            }
        }
    }

    #[test]
    fn every_key_of_a_configuration_is_listed() -> Result<()> {
        for name in ["efficientnet-lite0", "seed-cnn"] {
            let config = Table::try_from(Config::resolve(name, &Overrides::default())?)?;
            for (section_name, section) in sections().map(|section| (section.0, section)) {
                for key in values(&config, section_name).context("a section is missing")?.keys() {
                    let listed = section.1.iter().any(|(listed, _)| listed == key);
                    assert!(listed, "{section_name}.{key}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_commented_configuration_reads_back_equal() -> Result<()> {
        let config = Config::resolve("efficientnet-lite0", &Overrides::default())?;
        assert_eq!(toml::from_str::<Config>(&commented(&config)?)?, config);
        Ok(())
    }
}
