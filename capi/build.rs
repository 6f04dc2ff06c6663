//! How the shared library is linked: under a versioned name, and with nothing left undefined.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arguments: &[&str] = match target.as_str() {
        // 0 is the number of the binary interface: raised when a program must be linked anew.
        "linux" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
            &["-Wl,-soname,libv_alloc.so.0", "-Wl,-z,defs"]
        }
        // A package has only files there whose names end in `.so`, and the loader looks for just that name.
        "android" => &["-Wl,-soname,libv_alloc.so", "-Wl,-z,defs"],
        "macos" => &["-Wl,-install_name,@rpath/libv_alloc.0.dylib", "-Wl,-undefined,error"],
        _ => &[],
    };
    for argument in arguments {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
}
