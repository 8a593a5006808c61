use super::pace::Pace;

#[test]
fn a_rate_is_kept_to_and_what_was_not_used_for_long_is_lost() {
    let mut pace = Pace::new(10, 1_000);
    assert_eq!(pace.allowed(1_000), 1, "the first goes at once");
    pace.went(1);
    assert_eq!((pace.allowed(1_000), pace.next_ms()), (0, 1_100));
    assert_eq!(pace.allowed(1_100), 1);
    assert_eq!(pace.allowed(1_500), 5, "a late one catches up");
    pace.went(5);
    assert_eq!((pace.allowed(1_500), pace.next_ms()), (0, 1_600));
    assert_eq!(pace.allowed(60_000), 10, "no more than a second's worth");
    pace.went(10);
    assert_eq!((pace.allowed(60_000), pace.next_ms()), (0, 61_000));
}

#[test]
fn a_rate_above_one_a_millisecond_and_the_slowest_there_is() {
    let mut pace = Pace::new(5_000, 0);
    let mut gone = 0;
    for now_ms in 0..1_000 {
        let allowed = pace.allowed(now_ms);
        pace.went(allowed);
        gone += allowed;
    }
    assert!((4_990..=5_000).contains(&gone), "{gone}");
    let mut slow = Pace::new(0, 0);
    assert_eq!(slow.allowed(0), 1);
    slow.went(1);
    assert_eq!((slow.allowed(999), slow.allowed(1_000)), (0, 1));
}
