//! JSON, read into a tree all of which lies in the allocator `A`. Enough of it for a service: no `\u` escapes.

use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec as VecIn;
use std::str;

/// Lists in lists, at most: a request must not end the server's stack.
const DEPTH: usize = 32;

pub enum Value<A: Allocator + Copy> {
    Null,
    Bool,
    Number(f64),
    Text(VecIn<u8, A>),
    List(VecIn<Value<A>, A>),
    Object(VecIn<(VecIn<u8, A>, Value<A>), A>),
}

impl<A: Allocator + Copy> Value<A> {
    pub fn parse(text: &[u8], memory: A) -> Option<Self> {
        let mut reader = Reader { rest: text, memory };
        let value = reader.value(DEPTH)?;
        reader.blanks();
        reader.rest.is_empty().then_some(value)
    }

    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(values) = self { Some(values) } else { None }
    }

    pub fn text(&self) -> Option<&[u8]> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(name, _)| name == key.as_bytes()).map(|(_, value)| value)
    }
}

struct Reader<'t, A> {
    rest: &'t [u8],
    memory: A,
}

impl<A: Allocator + Copy> Reader<'_, A> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.blanks();
        self.rest = self.rest.strip_prefix(text.as_bytes())?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Value<A>> {
        self.blanks();
        match self.rest.first()? {
            b'"' => self.text().map(Value::Text),
            b'[' => {
                let mut values = VecIn::new_in(self.memory);
                self.items("[", "]", depth, |reader, depth| {
                    values.push(reader.value(depth)?);
                    Some(())
                })?;
                Some(Value::List(values))
            }
            b'{' => {
                let mut members = VecIn::new_in(self.memory);
                self.items("{", "}", depth, |reader, depth| {
                    reader.blanks();
                    let name = reader.text()?;
                    reader.skip(":")?;
                    members.push((name, reader.value(depth)?));
                    Some(())
                })?;
                Some(Value::Object(members))
            }
            b'n' => self.skip("null").map(|()| Value::Null),
            b't' => self.skip("true").map(|()| Value::Bool),
            b'f' => self.skip("false").map(|()| Value::Bool),
            _ => {
                let end = self.rest.iter().position(|byte| !b"+-.eE0123456789".contains(byte));
                let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                str::from_utf8(number).ok()?.parse().ok().map(Value::Number)
            }
        }
    }

    /// What stands between two brackets, with commas between.
    fn items(
        &mut self,
        open: &str,
        close: &str,
        depth: usize,
        mut item: impl FnMut(&mut Self, usize) -> Option<()>,
    ) -> Option<()> {
        self.skip(open)?;
        if self.skip(close).is_some() {
            return Some(());
        }
        loop {
            item(self, depth.checked_sub(1)?)?;
            if self.skip(",").is_none() {
                return self.skip(close);
            }
        }
    }

    fn text(&mut self) -> Option<VecIn<u8, A>> {
        self.rest = self.rest.strip_prefix(b"\"")?;
        let mut text = VecIn::new_in(self.memory);
        loop {
            let end = self.rest.iter().position(|byte| b"\"\\".contains(byte))?;
            text.extend_from_slice(&self.rest[..end]);
            let (escape, rest) = (self.rest[end] == b'\\', &self.rest[end + 1..]);
            if !escape {
                self.rest = rest;
                return Some(text);
            }
            let (&letter, rest) = rest.split_first()?;
            let position = b"\"\\/bfnrt".iter().position(|&known| known == letter)?;
            text.push(b"\"\\/\x08\x0c\n\r\t"[position]);
            self.rest = rest;
        }
    }
}
