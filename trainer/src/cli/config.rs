//! Options of `config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const SHOW_EXAMPLES: &str = "\
Examples:
  trainer config show efficientnet-lite0
  # Start a configuration of your own, and train with it
  trainer config show teacher > mine.toml
  trainer train --data posters --config mine.toml --out runs/mine";

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a resolved configuration as TOML, with a comment above every key
    Show(ConfigShowArgs),
    /// Print all configuration keys as a Markdown table
    Table(ConfigTableArgs),
}

#[derive(Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ConfigShowArgs {
    /// efficientnet-lite0, teacher, seed-cnn, seed-cnn-all, or a TOML file
    #[arg(value_name = "NAME|FILE", default_value = "efficientnet-lite0")]
    pub(crate) name: String,
    /// Override one value of the configuration, such as augment.mixup=0.4; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Args)]
pub(crate) struct ConfigTableArgs {
    /// Replace the table between the config-table markers of this Markdown file
    #[arg(long, value_name = "FILE")]
    pub(crate) update: Option<PathBuf>,
}
