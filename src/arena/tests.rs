//! Unit tests of the arena: the OS failing at every call, and what only the inside can see.

use super::*;
