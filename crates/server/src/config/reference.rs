//! Writes `docs/reference/configuration.md` from the table of options; a test keeps the page fresh.

use super::declare::{OptionSpec, Shape};
use super::options::OPTIONS;
use crate::exit;
use std::fmt::Write;

const INTRODUCTION: &str = "\
<!-- Generated from crates/server/src/config/options.rs; `UPDATE_EXPECT=1 cargo test -p leveret-server` writes it anew. -->

# Configuration

Every option of `leveret serve` has one name in three spellings:

| where | spelling | example |
|---|---|---|
| command line | `--frame-max VALUE` | `leveret serve --frame-max 64KiB` |
| environment | `LEVERET_FRAME_MAX` | `LEVERET_FRAME_MAX=64KiB leveret serve` |
| file (TOML) | `frame_max` | `frame_max = \"64KiB\"` |

A flag wins over the environment, the environment over the file, the file over the default. The file is the one
named by `--config FILE` or `LEVERET_CONFIG`, else `leveret.toml` in the current folder, else
`/etc/leveret/leveret.toml`, else none. Its keys stand at the top, without sections; an unknown key is an error.

Sizes are written as `131072`, `128KiB`, `16MiB`, `2GiB` (or `KB`, `MB`, `GB` for powers of 1000), times as
`500ms`, `30s`, `5m`, `1h`. Where several values are allowed the flag may be repeated, commas separate them, and
the file may hold an array; `none` is the empty list.
";

/// The whole page.
pub(crate) fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut section = "";
    for option in OPTIONS {
        if option.section != section {
            section = option.section;
            let _ = write!(page, "\n## {section}\n");
        }
        entry(&mut page, option);
    }
    page.push_str("\n## A file with every default\n\n```toml\n");
    page.push_str(&sample());
    page.push_str("```\n\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in exit::TABLE {
        let _ = writeln!(page, "| {code} | {meaning} |");
    }
    page
}

fn entry(page: &mut String, option: &OptionSpec) {
    let default = match option.default {
        "" => "none".to_owned(),
        default => format!("`{default}`"),
    };
    let flag = match option.shape {
        Shape::Switch => format!("--{}", option.flag()),
        _ => format!("--{} {}", option.flag(), option.value_name),
    };
    let _ = write!(page, "\n### `{}`\n\n`{flag}`, `{}`; default {default}\n", option.key, option.variable());
    for paragraph in option.paragraphs() {
        let _ = write!(page, "\n{paragraph}\n");
    }
}

/// A file that sets every option to its default; what has none is commented out.
pub(crate) fn sample() -> String {
    let mut file = String::new();
    for option in OPTIONS {
        let quoted = |text: &str| match text.parse::<f64>() {
            Ok(_) => text.to_owned(),
            Err(_) if option.shape == Shape::Switch => text.to_owned(),
            Err(_) => format!("\"{text}\""),
        };
        let value = match (option.shape, option.default) {
            (Shape::Many, "") => "[]".to_owned(),
            (Shape::Many, default) => {
                format!("[{}]", default.split(',').map(quoted).collect::<Vec<_>>().join(", "))
            }
            (_, default) => quoted(default),
        };
        // The default folder beside `memory` would read as a contradiction.
        let off = if option.default.is_empty() && option.shape != Shape::Many || option.key == "memory" {
            "# "
        } else {
            ""
        };
        let _ = writeln!(file, "{off}{} = {value}", option.key);
    }
    file
}
