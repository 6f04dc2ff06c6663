//! Where traps are not in force, a reservation stays where it is, and an arena is in one piece.

#![allow(clippy::unused_self, reason = "as where they move")]

use crate::os::Pages;

#[derive(Debug)]
pub(crate) struct Displacement;

impl Displacement {
    pub(crate) const fn none() -> Self {
        Self
    }

    pub(crate) const fn with_spare(_spare: Pages) -> Self {
        Self
    }

    pub(crate) const fn shift(&self) -> Pages {
        Pages::ZERO
    }

    pub(crate) const fn spare(&self) -> Pages {
        Pages::ZERO
    }

    pub(crate) const fn extra(&self) -> Pages {
        Pages::ZERO
    }
}

#[derive(Debug)]
pub(crate) struct Segments;

impl Segments {
    pub(crate) const fn new() -> Self {
        Self
    }
}
