//! Memory of the integer kernels: groups of eight channels, aligned to the widest register.

use std::ops::{Deref, DerefMut};

use wide::{i32x8, i32x16};

/// Eight neighbouring channels: a pair of 16-bit values or a 32-bit integer each.
pub type Group = i32x8;

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

impl FromIterator<Group> for Groups {
    fn from_iter<I: IntoIterator<Item = Group>>(groups: I) -> Self {
        let values: Vec<Group> = groups.into_iter().collect();
        let mut groups = Self::default();
        groups.set_length(values.len());
        groups.copy_from_slice(&values);
        groups
    }
}
