//! `leveret.toml` to texts per key, with the line each came from.

use super::declare::Shape;
use super::layers::{Layer, Origin, Problem, Texts};
use super::nearest::nearest;
use super::options::OPTIONS;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// For who forgot the quotes, which TOML's own words do not tell.
const HOW_IT_IS_WRITTEN: &str = r#"the file is TOML, texts stand in quotes: amqp = ["127.0.0.1:5672"]"#;

/// Reads the file's text. Every problem is reported, not only the first.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Layer, Vec<Problem>> {
    let at = |span: std::ops::Range<usize>| Origin::File {
        path: path.to_owned(),
        line: line_of(text, span.start),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors
            .iter()
            .map(|error| {
                let said = error.message().trim();
                Problem::new(at(error.span().unwrap_or(0..0)), format!("{said}; {HOW_IT_IS_WRITTEN}"))
            })
            .collect());
    }
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for (key, value) in table.get_ref() {
        let origin = at(key.span());
        let Some(option) = OPTIONS.iter().find(|option| option.key == key.get_ref().as_ref()) else {
            problems.push(Problem::new(origin, unknown(key.get_ref(), value.get_ref())));
            continue;
        };
        match texts(value.get_ref(), option.shape) {
            Ok(texts) => {
                layer.insert(option.key, Texts { texts, origin });
            }
            Err(problem) => problems.push(Problem::of(option.key, origin, problem)),
        }
    }
    if problems.is_empty() { Ok(layer) } else { Err(problems) }
}

fn unknown(key: &str, value: &DeValue<'_>) -> String {
    let keys = OPTIONS.iter().map(|option| option.key);
    if value.is_table() && nearest(key, keys.clone()).is_none() {
        return format!("there are no sections here, so `[{key}]` means nothing: put its keys at the top");
    }
    match nearest(key, keys) {
        Some(known) => format!("unknown key `{key}`; did you mean `{known}`?"),
        None => format!("unknown key `{key}`; `leveret serve --help` lists them all"),
    }
}

/// One scalar is one text; an array is several, where the option takes several.
fn texts(value: &DeValue<'_>, shape: Shape) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(items) if shape == Shape::Many => {
            items.iter().map(|item| scalar(item.get_ref())).collect()
        }
        DeValue::Array(_) => Err("takes one value, not an array".into()),
        value => Ok(vec![scalar(value)?]),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|_| "is too large a number".into()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        other => Err(format!("takes text or a number, not {}", other.type_str())),
    }
}

/// The line, counted from 1, that holds this byte.
fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let problems = parse(Path::new("leveret.toml"), text).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reads_every_scalar() {
        let text = "amqp = ['127.0.0.1:1', '[::1]:2']\nchannel_max = 0x10\nmemory = true\nmemory_high_watermark = 0.25\n";
        let layer = parse(Path::new("x"), text).unwrap();
        let texts = |key: &str| layer[key].texts.join(" ");
        assert_eq!(texts("amqp"), "127.0.0.1:1 [::1]:2");
        assert_eq!(texts("channel_max"), "16");
        assert_eq!(texts("memory"), "true");
        assert_eq!(texts("memory_high_watermark"), "0.25");
    }

    #[test]
    fn names_line_and_nearest_key() {
        assert_eq!(
            problems("# comment\nframe_maxx = 1\n\ncolour = 'red'\n"),
            [
                "leveret.toml, line 4: unknown key `colour`; `leveret serve --help` lists them all",
                "leveret.toml, line 2: unknown key `frame_maxx`; did you mean `frame_max`?",
            ]
        );
        assert_eq!(
            problems("[limits]\nframe_max = 1\n"),
            [
                "leveret.toml, line 1: there are no sections here, so `[limits]` means nothing: put its keys at the top"
            ]
        );
        assert_eq!(
            problems("heartbeat = ['1s', '2s']\n"),
            ["leveret.toml, line 1: heartbeat: takes one value, not an array"]
        );
        // Whoever forgets the quotes was told of floats.
        let unquoted = problems("amqp = [127.0.0.1:5672]\n").join("\n");
        assert!(
            unquoted.starts_with("leveret.toml, line 1: ") && unquoted.contains(HOW_IT_IS_WRITTEN),
            "{unquoted}"
        );
        assert_eq!(
            problems("data = 1979-05-27\n"),
            ["leveret.toml, line 1: data: takes text or a number, not datetime"]
        );
    }

    #[test]
    fn broken_toml_has_a_line_too() {
        let found = problems("heartbeat = '60s'\nframe_max = = 3\n");
        assert!(found[0].starts_with("leveret.toml, line 2: "), "{found:?}");
        let twice = problems("heartbeat = '1s'\nheartbeat = '2s'\n");
        assert!(twice[0].starts_with("leveret.toml, line 2: "), "{twice:?}");
    }
}
