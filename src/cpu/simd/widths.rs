//! How layers divide their channels among registers.

use super::Simd;

/// Groups of eight channels that a level treats together.
#[derive(Debug, Clone, Copy)]
pub(in crate::cpu) struct Widths {
    /// Groups of a register.
    register: usize,
    /// Groups of a panel; see [`Simd::PANEL`].
    panel: usize,
}

impl Widths {
    /// Returns the widths of an instruction set.
    #[inline(always)]
    pub(in crate::cpu) fn of<S: Simd>() -> Self {
        Self { register: S::GROUPS, panel: S::GROUPS * S::PANEL }
    }

    /// Returns how many groups the next register takes of those that are left.
    #[inline(always)]
    pub(in crate::cpu) fn register(self, left: usize) -> usize {
        if self.register <= left { self.register } else { 1 }
    }

    /// Returns how many groups the next panel takes of those that are left.
    #[inline(always)]
    pub(in crate::cpu) fn panel(self, left: usize) -> usize {
        if self.panel <= left { self.panel } else { self.register(left) }
    }
}
