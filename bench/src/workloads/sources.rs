//! The Rust sources of this repository, as input.

use crate::Result;
use std::fs;
use std::path::Path;

/// All files below `src`, `tests` and `bench`, in the order of their names.
pub fn read() -> Result<Vec<String>> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the benchmarks are not in a workspace")?;
    let mut sources = Vec::new();
    for folder in ["src", "tests", "bench/src"] {
        read_folder(&workspace.join(folder), &mut sources)?;
    }
    Ok(sources)
}

fn read_folder(folder: &Path, sources: &mut Vec<String>) -> Result<()> {
    let entries =
        fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_folder(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(fs::read_to_string(path)?);
        }
    }
    Ok(())
}
