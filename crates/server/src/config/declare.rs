//! What an option is, and the macro with which `options.rs` declares all of them once.
//!
//! Flags, the file's keys, environment variables, `--help` and the reference page are all read from the
//! resulting table, so that they cannot disagree.

use super::options::Settings;

/// How many texts an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Exactly one value.
    One,
    /// Any number of values: the flag repeats, commas separate, the file may hold an array.
    Many,
    /// `true` or `false`; the bare flag means `true`.
    Switch,
}

/// A type an option can have: made from the texts of a flag, a variable or a key.
pub(crate) trait OptionValue: Sized {
    /// How many texts the type takes.
    const SHAPE: Shape;

    /// Reads the value. The error says what is wrong and gives an example; the caller adds where.
    fn parse(texts: &[String]) -> Result<Self, String>;
}

/// A type made from one text.
pub(crate) trait Single: Sized {
    /// Only `bool` is a switch.
    const SHAPE: Shape = Shape::One;

    /// Reads the value from one text.
    fn parse_one(text: &str) -> Result<Self, String>;
}

impl<T: Single> OptionValue for T {
    const SHAPE: Shape = T::SHAPE;

    fn parse(texts: &[String]) -> Result<Self, String> {
        match texts {
            [one] => T::parse_one(one.trim()),
            [] => Err("needs a value".into()),
            several => Err(format!("takes one value, not {}", several.len())),
        }
    }
}

/// No text at all, or an empty one, is `None`.
impl<T: Single> OptionValue for Option<T> {
    const SHAPE: Shape = Shape::One;

    fn parse(texts: &[String]) -> Result<Self, String> {
        match texts {
            [] => Ok(None),
            [one] if one.trim().is_empty() => Ok(None),
            _ => T::parse(texts).map(Some),
        }
    }
}

/// Commas separate; `none` alone is the empty list.
impl<T: Single> OptionValue for Vec<T> {
    const SHAPE: Shape = Shape::Many;

    fn parse(texts: &[String]) -> Result<Self, String> {
        let parts: Vec<&str> = texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        if parts == ["none"] {
            return Ok(Vec::new());
        }
        parts.into_iter().map(T::parse_one).collect()
    }
}

/// One option as data.
pub(crate) struct OptionSpec {
    /// The key in the file; the flag and the variable are made from it.
    pub(crate) key: &'static str,
    /// Heading under which help and the reference page show it.
    pub(crate) section: &'static str,
    /// What stands for the value in help, such as `ADDR:PORT`.
    pub(crate) value_name: &'static str,
    /// The default as a person would write it; empty when there is none.
    pub(crate) default: &'static str,
    /// Doc comment of the field: first line is the summary, one string per line.
    pub(crate) doc: &'static [&'static str],
    /// How many values it takes.
    pub(crate) shape: Shape,
    /// Reads the texts into the field.
    pub(crate) apply: fn(&mut Settings, &[String]) -> Result<(), String>,
}

impl OptionSpec {
    /// `frame_max` is `--frame-max` on the command line.
    pub(crate) fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// `frame_max` is `LEVERET_FRAME_MAX` in the environment.
    pub(crate) fn variable(&self) -> String {
        format!("LEVERET_{}", self.key.to_uppercase())
    }

    /// First line of the description, without the full stop.
    pub(crate) fn summary(&self) -> &'static str {
        self.doc.first().map_or("", |line| line.trim().trim_end_matches('.'))
    }

    /// The whole description as paragraphs: a blank line in the doc comment starts a new one.
    pub(crate) fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![String::new()];
        for line in self.doc.iter().map(|line| line.trim()) {
            if line.is_empty() {
                paragraphs.push(String::new());
            } else if let Some(last) = paragraphs.last_mut() {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        paragraphs
    }
}

/// Declares the options: the struct that holds them and the table that describes them.
///
/// ```text
/// options! {
///     "Section" {
///         /// Summary line.
///         /// More words.
///         key: Type = "default", "VALUE NAME";
///     }
/// }
/// ```
macro_rules! options {
    ($( $section:literal { $( $(#[doc = $doc:literal])+ $key:ident : $kind:ty = $default:literal, $value_name:literal; )+ } )+) => {
        /// Every option with its value.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Settings {
            $($( $(#[doc = $doc])+ pub(crate) $key: $kind, )+)+
        }

        impl Settings {
            /// Every option at its default.
            pub(crate) fn defaults() -> Result<Settings, String> {
                let texts = |default: &str| if default.is_empty() { Vec::new() } else { vec![default.to_owned()] };
                Ok(Settings {
                    $($( $key: <$kind as $crate::config::declare::OptionValue>::parse(&texts($default))
                        .map_err(|problem| format!(concat!("default of ", stringify!($key), ": {}"), problem))?, )+)+
                })
            }
        }

        /// The table of every option, in the order in which help shows them.
        pub(crate) static OPTIONS: &[$crate::config::declare::OptionSpec] = &[
            $($( $crate::config::declare::OptionSpec {
                key: stringify!($key),
                section: $section,
                value_name: $value_name,
                default: $default,
                doc: &[$($doc),+],
                shape: <$kind as $crate::config::declare::OptionValue>::SHAPE,
                apply: |settings, texts| {
                    settings.$key = <$kind as $crate::config::declare::OptionValue>::parse(texts)?;
                    Ok(())
                },
            }, )+)+
        ];
    };
}
pub(crate) use options;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn lists_split_on_commas_and_repeat() {
        let parsed = Vec::<String>::parse(&texts(&["a, b", "c"]));
        assert_eq!(parsed, Ok(texts(&["a", "b", "c"])));
        assert_eq!(Vec::<String>::parse(&texts(&["none"])), Ok(vec![]));
        assert_eq!(Vec::<String>::parse(&texts(&[""])), Ok(vec![]));
    }

    #[test]
    fn a_single_value_is_one_value() {
        assert_eq!(String::parse(&texts(&["a", "b"])), Err("takes one value, not 2".into()));
        assert_eq!(String::parse(&[]), Err("needs a value".into()));
        assert_eq!(Option::<String>::parse(&[]), Ok(None));
        assert_eq!(Option::<String>::parse(&texts(&["x"])), Ok(Some("x".into())));
    }
}
