//! Names that a broker made up, told by the order in which they came.

/// What such names begin with; behind it stand 22 random characters.
const PREFIXES: [&str; 2] = ["amq.gen-", "amq.ctag-"];
const RANDOM_CHARACTERS: usize = 22;

/// The names that one broker made up in one script.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<(String, String)>);

impl Names {
    /// The text with each made-up name replaced by `amq.gen-1`, `amq.gen-2`, ...
    pub(crate) fn plain(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, prefix)) =
            PREFIXES.iter().filter_map(|prefix| rest.find(prefix).map(|at| (at, *prefix))).min()
        {
            let (before, found) = rest.split_at(at + prefix.len());
            let length = found
                .bytes()
                .take(RANDOM_CHARACTERS)
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                .count();
            if length < RANDOM_CHARACTERS {
                out.push_str(before);
                rest = found;
                continue;
            }
            let name = format!("{prefix}{}", &found[..length]);
            let plain = match self.0.iter().find(|(real, _)| *real == name) {
                Some((_, plain)) => plain.clone(),
                None => {
                    let plain = format!("{prefix}{}", self.0.len() + 1);
                    self.0.push((name, plain.clone()));
                    plain
                }
            };
            out.push_str(&rest[..at]);
            out.push_str(&plain);
            rest = &found[length..];
        }
        out.push_str(rest);
        out
    }

    /// What the broker calls the queues among them.
    pub(crate) fn queues(&self) -> Vec<String> {
        let queues = self.0.iter().filter(|(real, _)| real.starts_with(PREFIXES[0]));
        queues.map(|(real, _)| real.clone()).collect()
    }

    /// What the broker calls it.
    pub(crate) fn real<'a>(&'a self, plain: &'a str) -> &'a str {
        self.0.iter().find(|(_, found)| found == plain).map_or(plain, |(real, _)| real)
    }
}
