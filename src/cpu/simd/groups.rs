//! Memory of the integer kernels: groups of eight channels, aligned to the widest register.

use std::ops::{Deref, DerefMut};

use wide::{i32x8, i32x16};

/// Eight neighbouring channels: a pair of 16-bit values or a 32-bit integer each.
pub type Group = i32x8;

/// Channels of a group.
pub const GROUP: usize = 8;

/// A growing buffer of groups that begins at a multiple of 64 bytes: a register that crosses cache lines takes twice
/// as long to load.
#[derive(Debug, Default, Clone)]
pub struct Groups {
    lines: Vec<i32x16>,
    length: usize,
}

impl Groups {
    /// Sets the number of groups. The values are unspecified.
    pub fn set_length(&mut self, length: usize) {
        let lines = length.div_ceil(2);
        if self.lines.len() < lines {
            // Free the old memory first, and do not copy it.
            self.lines = Vec::new();
            self.lines = vec![i32x16::ZERO; lines];
        }
        self.length = length;
    }
}

impl Deref for Groups {
    type Target = [Group];

    fn deref(&self) -> &[Group] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl DerefMut for Groups {
    fn deref_mut(&mut self) -> &mut [Group] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}

impl From<Vec<i32>> for Groups {
    /// Copies the lanes of whole groups.
    fn from(lanes: Vec<i32>) -> Self {
        let mut groups = Self::default();
        groups.set_length(lanes.len() / 8);
        bytemuck::cast_slice_mut(&mut groups).copy_from_slice(&lanes);
        groups
    }
}
