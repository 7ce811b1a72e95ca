//! The subcommands, one file each.

pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod fine_tune;
pub(crate) mod labels;
pub(crate) mod predict;
pub(crate) mod sweep;
