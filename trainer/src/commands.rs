//! The subcommands, one file each.

pub(crate) mod labels;
pub(crate) mod sweep;
