//! What every generated file begins with, and the list of them.

use super::spec::Spec;

/// The first lines of a generated file.
pub(crate) fn heading(doc: &str) -> String {
    format!(
        "//! {doc}\n//!\n//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.\n\n"
    )
}

/// `generated/mod.rs`.
pub(crate) fn modules(spec: &Spec) -> String {
    let mut text = heading("Everything that follows from the protocol's table.");
    for module in ["method", "method_id", "properties", "reply_code"] {
        text += &format!("pub(crate) mod {module};\n");
    }
    text += "\n";
    for class in class_names(spec) {
        text += &format!("pub mod {class};\n");
    }
    text
}

/// Names of the classes in the order in which rustfmt wants them.
pub(crate) fn class_names(spec: &Spec) -> Vec<&str> {
    let mut names: Vec<&str> = spec.class.iter().map(|class| class.name.as_str()).collect();
    names.sort_unstable();
    names
}
