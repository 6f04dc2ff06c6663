//! The public interface, from the description of it that `cargo rustdoc` writes as JSON: prints a line for each item, or with
//! `examples` those that have none. Built and run by public-api.sh.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// What must have an example. Fields, variants, constants and modules are shown by those of what they belong to.
const SHOWN: [&str; 6] = ["struct", "enum", "union", "trait", "function", "type_alias"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let found = match &arguments[..] {
        [file] => list(file),
        [command, file] if command == "examples" => without_examples(file),
        _ => Err("Usage: public_api [examples] FILE".into()),
    };
    match found {
        Ok(lines) => {
            lines.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Lines = Result<Vec<String>, Box<dyn std::error::Error>>;

fn list(file: &str) -> Lines {
    let builder = public_api::Builder::from_rustdoc_json(file);
    let api = builder.omit_blanket_impls(true).omit_auto_trait_impls(true).build()?;
    Ok(api.items().map(|item| item.to_string()).filter(|line| !line.contains("v_alloc::guides")).collect())
}

fn without_examples(file: &str) -> Lines {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let mut walk = Walk { index: &json["index"], seen: BTreeSet::new(), found: Vec::new() };
    walk.visit(&json["root"], "");
    if walk.seen.len() < 100 {
        return Err("the description has not the form that was expected".into());
    }
    Ok(walk.found)
}

/// Follows what can be named from the root: modules, what they re-export, and what belongs to types and traits.
struct Walk<'a> {
    index: &'a Value,
    seen: BTreeSet<String>,
    found: Vec<String>,
}

impl Walk<'_> {
    fn visit(&mut self, id: &Value, inside: &str) {
        let id = id.to_string();
        let item = &self.index[&id];
        let Some((kind, inner)) = item["inner"].as_object().and_then(|inner| inner.iter().next()) else { return };
        if item["crate_id"] != 0 || !self.seen.insert(id) {
            return;
        }
        let path = format!("{inside}::{}", item["name"].as_str().unwrap_or_default());
        if kind == "use" {
            return self.visit(&inner["id"], inside);
        }
        if kind == "impl" && !inner["trait"].is_null() {
            return; // the trait's own documentation shows its methods
        }
        if SHOWN.contains(&kind.as_str()) && !has_example(&item["docs"]) {
            self.found.push(format!("no example: {path}"));
        }
        if kind == "type_alias" {
            return;
        }
        let inside = if kind == "impl" { inside } else { &path };
        for list in ["items", "impls"] {
            inner[list].as_array().into_iter().flatten().for_each(|id| self.visit(id, inside));
        }
    }
}

/// Whether there is a piece of code that rustdoc compiles.
fn has_example(docs: &Value) -> bool {
    let fences = docs.as_str().unwrap_or_default().lines().filter_map(|line| line.strip_prefix("```"));
    fences.step_by(2).any(|language| !matches!(language, "text" | "c" | "ignore"))
}
