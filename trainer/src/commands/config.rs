//! `trainer config`: prints a configuration with comments, or the table of all keys.

use anyhow::{Context, Result};
use marquee::bundle::write_atomically;

use crate::cli::{ConfigCommand, ConfigShowArgs, ConfigTableArgs};
use crate::training::config::{Config, Overrides, reference};

pub(crate) fn run(command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Show(args) => show(args),
        ConfigCommand::Table(args) => table(args),
    }
}

fn show(args: &ConfigShowArgs) -> Result<()> {
    let overrides = Overrides { set: args.set.clone(), ..Overrides::default() };
    let config = Config::resolve(&args.name, &overrides)?;
    print!("{}", reference::commented(&config)?);
    Ok(())
}

fn table(args: &ConfigTableArgs) -> Result<()> {
    let Some(path) = &args.update else {
        print!("{}", reference::table()?);
        return Ok(());
    };
    let context = || path.display().to_string();
    let document = std::fs::read_to_string(path).with_context(context)?;
    let updated = reference::update(&document).with_context(context)?;
    write_atomically(path, updated.as_bytes()).with_context(context)?;
    Ok(())
}
