//! Luck that can be repeated: what happens to an order is a function of the seed.

/// A number that looks random and is always the same for the same question.
pub(crate) fn draw(seed: u64, question: &str, number: u64) -> u64 {
    let mut state = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in question.bytes() {
        state = mix(state ^ u64::from(byte));
    }
    mix(state)
}

/// Whether that happens, in so many of a thousand cases.
pub(crate) fn happens(seed: u64, question: &str, number: u64, per_thousand: u64) -> bool {
    draw(seed, question, number) % 1000 < per_thousand
}

/// The finish of SplitMix64.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer_and_others_have_others() {
        assert_eq!(draw(1, "item", 7), draw(1, "item", 7));
        let others = [draw(2, "item", 7), draw(1, "card", 7), draw(1, "item", 8)];
        assert!(others.iter().all(|other| *other != draw(1, "item", 7)));
        let often = (0..10_000).filter(|number| happens(3, "late", *number, 120)).count();
        assert!((1050..1350).contains(&often), "{often}");
    }
}
