//! The last pass: the value of the program. Each call has its variables in a scope, which takes them back.

use crate::problem::Problem;
use crate::tree::{Expression, Function, Kind, Link, Operator, Program, Value};
use v_alloc::{Arena, Interner, Scope};

/// Expressions that are being evaluated at once, at most: this pass calls itself for each.
const DEEPEST: usize = 100_000;

/// What the scopes of the calls did.
#[derive(Default)]
pub struct Frames {
    pub calls: u64,
    pub given_back: usize,
    pub most: usize,
    in_use: usize,
}

pub fn evaluate(
    program: &Program<'_>,
    names: &Interner,
    scratch: &mut Arena,
) -> (Result<Value, Problem>, Frames) {
    let mut evaluator = Evaluator { names, depth: 0, frames: Frames::default() };
    let value = scratch.scoped(|scope| evaluator.call(program.main, &[], &mut [], scope));
    (value, evaluator.frames)
}

struct Evaluator<'e> {
    names: &'e Interner,
    depth: usize,
    frames: Frames,
}

impl Evaluator<'_> {
    /// `frame` has the variables of the caller.
    fn call(
        &mut self,
        function: &Function<'_>,
        arguments: &[Link<'_>],
        frame: &mut [Value],
        scope: &mut Scope<'_>,
    ) -> Result<Value, Problem> {
        scope.scoped(|inner| {
            let variables = inner.alloc_slice_fill_copy(function.slots.get(), Value::Bool(false));
            let bytes = size_of_val(variables);
            self.frames.calls += 1;
            self.frames.in_use += bytes;
            self.frames.most = self.frames.most.max(self.frames.in_use);
            for (variable, argument) in variables.iter_mut().zip(arguments) {
                *variable = self.value(argument.get(), frame, inner)?;
            }
            let value = self.value(function.body.get(), variables, inner);
            self.frames.in_use -= bytes;
            self.frames.given_back += bytes;
            value
        })
    }

    fn value(
        &mut self,
        expression: &Expression<'_>,
        frame: &mut [Value],
        scope: &mut Scope<'_>,
    ) -> Result<Value, Problem> {
        if self.depth == DEEPEST {
            let message = format!("calls go too deep: {DEEPEST} expressions are being evaluated");
            return Err(Problem::new(expression.at, message));
        }
        self.depth += 1;
        let at = |message| Problem::new(expression.at, message);
        let value = match &expression.kind {
            Kind::Constant(value) => *value,
            Kind::Variable { slot, .. } => frame[slot.get()],
            Kind::Unary(operator, operand) => {
                operator.of_one(self.value(operand.get(), frame, scope)?).map_err(at)?
            }
            // The right side of `and` is not evaluated if the left one is false.
            Kind::Binary(operator @ (Operator::And | Operator::Or), left, right) => {
                let decided = *operator == Operator::Or;
                if self.bool(left, frame, scope)? == decided {
                    Value::Bool(decided)
                } else {
                    Value::Bool(self.bool(right, frame, scope)?)
                }
            }
            Kind::Binary(operator, left, right) => {
                let left = self.value(left.get(), frame, scope)?;
                operator.of_two(left, self.value(right.get(), frame, scope)?).map_err(at)?
            }
            Kind::If { condition, yes, no } => {
                let branch = if self.bool(condition, frame, scope)? { yes } else { no };
                self.value(branch.get(), frame, scope)?
            }
            Kind::Let { slot, value, body, .. } => {
                frame[slot.get()] = self.value(value.get(), frame, scope)?;
                self.value(body.get(), frame, scope)?
            }
            Kind::Call { name, function, arguments } => {
                let unknown = || at(format!("`{}` was not resolved", self.names.resolve(*name)));
                let function = function.get().ok_or_else(unknown)?;
                self.call(function, arguments, frame, scope)?
            }
        };
        self.depth -= 1;
        Ok(value)
    }

    fn bool(&mut self, link: &Link<'_>, frame: &mut [Value], scope: &mut Scope<'_>) -> Result<bool, Problem> {
        match self.value(link.get(), frame, scope)? {
            Value::Bool(bool) => Ok(bool),
            value @ Value::Number(_) => {
                Err(Problem::new(link.get().at, format!("expected true or false, and this is {value}")))
            }
        }
    }
}
