//! The third pass: what is known before the program runs is computed now, and what cannot be reached goes.

use crate::tree::{Expression, Kind, Link, Operator, Program, Value};
use v_alloc::Arena;

/// New constants are made in `tree`; what is known of variables lies in `scratch`.
pub fn fold<'t>(program: &Program<'t>, tree: &'t Arena, scratch: &Arena) {
    for function in program.functions.iter().chain([&program.main]) {
        let known = scratch.alloc_slice_fill_copy(function.slots.get(), None);
        Folder { tree, known }.fold(&function.body);
    }
}

struct Folder<'f, 't> {
    tree: &'t Arena,
    /// The values of variables, by slot.
    known: &'f mut [Option<Value>],
}

impl<'t> Folder<'_, 't> {
    fn fold(&mut self, link: &Link<'t>) -> Option<Value> {
        let value = match &link.get().kind {
            Kind::Constant(value) => return Some(*value),
            Kind::Variable { slot, .. } => self.known[slot.get()],
            // What goes wrong does so when it is evaluated, if it is.
            Kind::Unary(operator, operand) => {
                self.fold(operand).and_then(|value| operator.of_one(value).ok())
            }
            Kind::Binary(operator, left, right) => match (operator, self.fold(left), self.fold(right)) {
                (Operator::And, Some(Value::Bool(false)), _) => Some(Value::Bool(false)),
                (Operator::Or, Some(Value::Bool(true)), _) => Some(Value::Bool(true)),
                (_, Some(left), Some(right)) => operator.of_two(left, right).ok(),
                _ => None,
            },
            Kind::If { condition, yes, no } => {
                let condition = self.fold(condition);
                let (yes, no) = ((self.fold(yes), yes), (self.fold(no), no));
                let Some(Value::Bool(condition)) = condition else { return None };
                let (value, branch) = if condition { yes } else { no };
                link.set(branch.get());
                return value;
            }
            Kind::Let { slot, value, body, .. } => {
                let known = self.fold(value);
                self.known[slot.get()] = known;
                let result = self.fold(body);
                if known.is_some() {
                    link.set(body.get()); // nobody asks for the variable any more
                }
                return result;
            }
            Kind::Call { arguments, .. } => {
                for argument in *arguments {
                    self.fold(argument);
                }
                None
            }
        };
        if let Some(value) = value {
            let (at, kind) = (link.get().at, Kind::Constant(value));
            link.set(self.tree.alloc(Expression { at, depth: 1, kind }));
        }
        value
    }
}
