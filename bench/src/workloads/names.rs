//! Names, each kept once and numbered: what a compiler does with all identifiers.

use super::tokens::{Kind, Tokens};
use super::{free, sources, text};
use crate::Result;
use crate::contenders::Contender;
use std::ptr::NonNull;
use v_alloc::DefaultHasher;

const COUNT: usize = 1_000_000;

/// Keeps names.
pub trait Names {
    /// The number of a name: that of its first time. `None` if there is no memory.
    fn intern(&mut self, name: &str) -> Option<u32>;

    /// The bytes of all names that have numbers.
    fn total_length(&self) -> usize;
}

/// All names of our sources, again and again, up to a million. In each repetition some are new, as in another library.
/// Or all of them are, if they shall be `distinct`.
pub fn read(distinct: bool) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(COUNT);
    let sources = sources::read()?;
    for repetition in 0.. {
        for source in &sources {
            let mut tokens = Tokens::new(source);
            loop {
                let token = tokens.next();
                let number = names.len();
                if number == COUNT {
                    return Ok(names);
                }
                match token.kind {
                    Kind::End => break,
                    Kind::Name if distinct => names.push(format!("{}_{number}", token.text)),
                    // Names of seven letters, and of fifteen, are the other library's own.
                    Kind::Name if repetition > 0 && token.text.len() % 8 == 7 => {
                        names.push(format!("{}{repetition}", token.text));
                    }
                    Kind::Name => names.push(token.text.to_owned()),
                    _ => {}
                }
            }
        }
        if names.is_empty() {
            return Err("the sources have no names".into());
        }
    }
    Ok(names)
}

/// `hashbrown`'s map, and copies of the names in memory of a contender.
pub struct ByMap<C: Contender> {
    numbers: hashbrown::HashMap<&'static str, u32, DefaultHasher>,
    names: Vec<NonNull<str>>,
    contender: C,
}

impl<C: Contender> ByMap<C> {
    pub fn new(contender: C) -> Self {
        Self { numbers: hashbrown::HashMap::default(), names: Vec::new(), contender }
    }
}

impl<C: Contender> Names for ByMap<C> {
    #[inline(always)]
    fn intern(&mut self, name: &str) -> Option<u32> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let copy = text(&self.contender, name)?;
        let number = u32::try_from(self.names.len()).ok()?;
        self.names.push(copy);
        // SAFETY: the copy is live until `self` is dropped, which uses the map no more.
        self.numbers.insert(unsafe { copy.as_ref() }, number);
        Some(number)
    }

    fn total_length(&self) -> usize {
        // SAFETY: they are live as long as the contender.
        self.names.iter().map(|name| unsafe { name.as_ref() }.len()).sum()
    }
}

impl<C: Contender> Drop for ByMap<C> {
    fn drop(&mut self) {
        if C::ONE_BY_ONE {
            for &name in &self.names {
                // SAFETY: the contender made it; the map is dropped without looking at its keys.
                unsafe { free(&self.contender, name) };
            }
        }
    }
}

impl Names for v_alloc::Interner {
    #[inline(always)]
    fn intern(&mut self, name: &str) -> Option<u32> {
        Some(v_alloc::Interner::intern(self, name).to_u32())
    }

    fn total_length(&self) -> usize {
        self.iter().map(|(_, name)| name.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::MALLOC;

    #[test]
    fn equal_names_have_one_number() {
        fn check(mut names: impl Names) {
            let numbers: Vec<_> = ["a", "bc", "a", "d"].map(|name| names.intern(name).unwrap()).into();
            assert_eq!(numbers[0], numbers[2]);
            assert_eq!((numbers[0] != numbers[1], numbers[1] != numbers[3]), (true, true));
            assert_eq!(names.total_length(), 4);
        }
        check(ByMap::new(MALLOC));
        check(v_alloc::Interner::new());
    }

    #[test]
    fn there_are_a_million_names_and_all_of_them_may_be_distinct() {
        let (names, distinct) = (read(false).unwrap(), read(true).unwrap());
        assert_eq!((names.len(), distinct.len()), (COUNT, COUNT));
        let count = |names: &[String]| names.iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!(count(&distinct), COUNT);
        assert!((5_000..100_000).contains(&count(&names)), "{}", count(&names));
    }
}
