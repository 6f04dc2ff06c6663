//! The second pass: what each name means. Variables become slots, and calls refer to their function.

use crate::problem::Problem;
use crate::tree::{Expression, Function, Kind, Name, Program};
use v_alloc::{Arena, Interner, Symbol};

/// Both tables are temporary, and lie in `scratch`.
pub fn resolve(program: &Program<'_>, names: &Interner, scratch: &Arena) -> Result<(), Problem> {
    // Symbols count up from 0, so a slice is a map from them.
    let functions = scratch.alloc_slice_fill_copy(names.len(), None);
    let slots = scratch.alloc_slice_fill_copy(names.len(), None);
    for &function in program.functions {
        let Name { at, symbol } = function.name;
        if functions[symbol.index()].replace(function).is_some() {
            return Err(Problem::new(at, format!("there is a function `{}` already", names.resolve(symbol))));
        }
    }
    let mut resolver = Resolver { names, functions, slots, used: 0, most: 0 };
    program.functions.iter().chain([&program.main]).try_for_each(|function| resolver.function(function))
}

struct Resolver<'r, 't> {
    names: &'r Interner,
    functions: &'r [Option<&'t Function<'t>>],
    /// Of the variables that are visible.
    slots: &'r mut [Option<usize>],
    used: usize,
    most: usize,
}

impl<'t> Resolver<'_, 't> {
    fn function(&mut self, function: &Function<'t>) -> Result<(), Problem> {
        self.most = 0;
        for &Name { at, symbol } in function.parameters {
            if self.enter(symbol).1.is_some() {
                let name = self.names.resolve(symbol);
                return Err(Problem::new(at, format!("there is a parameter `{name}` already")));
            }
        }
        self.expression(function.body.get())?;
        for parameter in function.parameters {
            self.leave(parameter.symbol, None);
        }
        function.slots.set(self.most);
        Ok(())
    }

    fn expression(&mut self, expression: &Expression<'t>) -> Result<(), Problem> {
        let unknown = |what, name| {
            let name = self.names.resolve(name);
            Problem::new(expression.at, format!("there is no {what} `{name}` here"))
        };
        match &expression.kind {
            Kind::Constant(_) => {}
            Kind::Variable { name, slot } => {
                slot.set(self.slots[name.index()].ok_or_else(|| unknown("variable", *name))?);
            }
            Kind::Unary(_, operand) => self.expression(operand.get())?,
            Kind::Binary(_, left, right) => {
                self.expression(left.get())?;
                self.expression(right.get())?;
            }
            Kind::If { condition, yes, no } => {
                [condition, yes, no].into_iter().try_for_each(|link| self.expression(link.get()))?;
            }
            Kind::Let { name, slot, value, body } => {
                self.expression(value.get())?;
                let (new, hidden) = self.enter(*name);
                slot.set(new);
                self.expression(body.get())?;
                self.leave(*name, hidden);
            }
            Kind::Call { name, function, arguments } => {
                let callee = self.functions[name.index()].ok_or_else(|| unknown("function", *name))?;
                let (takes, given) = (callee.parameters.len(), arguments.len());
                if takes != given {
                    let name = self.names.resolve(*name);
                    let message = format!("arguments of `{name}`: it takes {takes}, and here are {given}");
                    return Err(Problem::new(expression.at, message));
                }
                function.set(Some(callee));
                arguments.iter().try_for_each(|argument| self.expression(argument.get()))?;
            }
        }
        Ok(())
    }

    /// Makes a variable visible. Its slot, and that of the variable that it hides.
    fn enter(&mut self, name: Symbol) -> (usize, Option<usize>) {
        let slot = self.used;
        self.used += 1;
        self.most = self.most.max(self.used);
        (slot, self.slots[name.index()].replace(slot))
    }

    fn leave(&mut self, name: Symbol, hidden: Option<usize>) {
        self.used -= 1;
        self.slots[name.index()] = hidden;
    }
}
