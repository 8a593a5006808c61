//! "Did you mean": the known word closest to a mistyped one.

/// Changes (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// The known word nearest to `word`, when it is near enough to be meant: a third of its letters may differ,
/// or one of the two contains the other.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    // Words from outside can be long, and the table above grows with their length.
    if word.len() > 64 {
        return None;
    }
    let (changes, best) = known
        .into_iter()
        .filter(|known| !known.is_empty())
        .map(|known| (distance(&word, known), known))
        .min()?;
    let contained = word.len() >= 4 && (best.contains(&word) || word.contains(best));
    (changes <= (word.len().max(best.len()) / 3).max(1) || contained).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, changes) in
            [("", "abc", 3), ("frame_max", "fraem_max", 1), ("kitten", "sitting", 3), ("a", "a", 0)]
        {
            assert_eq!(distance(a, b), changes, "{a} {b}");
        }
    }

    #[test]
    fn near_words_only() {
        let known = ["frame_max", "channel_max", "heartbeat", "amqp"];
        assert_eq!(nearest("frame-max", known), Some("frame_max"));
        assert_eq!(nearest("hartbeat", known), Some("heartbeat"));
        assert_eq!(nearest("heartbeat_seconds", known), Some("heartbeat"));
        assert_eq!(nearest("amqb", known), Some("amqp"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(
            nearest("nope", ["", "amq.topic"]),
            None,
            "the default exchange has no name, and every word contains it"
        );
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
